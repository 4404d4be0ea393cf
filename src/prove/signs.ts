// signs: a certificate request of our own, through the CSR API, shows which CA the controller managers' leader signs with now.

import { randomBytes } from 'node:crypto';
import { ApiError } from '../cluster/client.ts';
import { approveCsr, awaitCertificate, createCsr, deleteCsr } from '../cluster/csr.ts';

import type { Proof } from '../core/model/step.ts';
import type { Signer } from '../core/model/value.ts';
import { makeCSR } from '../pki/csr.ts';
import { generateKey } from '../pki/keys.ts';
import { parseCertificates } from '../pki/pem.ts';
import { credentialIn, describeChain } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import { generationsOf } from './resolve.ts';

const SIGNER = 'kubernetes.io/kube-apiserver-client';
/** Measured: a certificate is there after 0.15 s; a leader that has just come needs longer, and the caller looks again. */
const PATIENCE = 5_000;

export async function signs(proof: Proof, ctx: LookContext): Promise<Look> {
  const name = `reroot-probe-${randomBytes(6).toString('hex')}`;
  try {
    const chain = parseCertificates(await signedNow(ctx, name), 'the probe certificate');
    const value = signerFrom(credentialIn(ctx, chain, generationsOf(ctx, proof)));
    return { value, evidence: `a request to ${SIGNER} was answered with ${describeChain(chain)}` };
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 403) {
      return {
        value: undefined,
        evidence: `no permission to make and approve a request for ${SIGNER}: ${thrown.said}`,
      };
    }
    throw thrown;
  } finally {
    await deleteCsr(ctx.cluster, name).catch(() => {
      // The garbage collector of CSRs removes it within the hour (K:pkg/controller/certificates/cleaner).
    });
  }
}

/** A user without groups, whom no RBAC rule names; its key is never kept. Ten minutes is the API's least. */
async function signedNow(ctx: LookContext, name: string): Promise<string> {
  const request = makeCSR({ key: generateKey('EC-P-256'), subject: { commonName: 'reroot-probe' } });
  await createCsr(ctx.cluster, { name, request, signerName: SIGNER, usages: ['client auth'], expirationSeconds: 600 });
  await approveCsr(ctx.cluster, name, 'reroot shows which CA signs');
  return awaitCertificate(ctx.cluster, name, { timeout: PATIENCE });
}

function signerFrom(credential: ReturnType<typeof credentialIn>): Signer | undefined {
  if (credential === 'old' || credential === 'old+reverse') return 'old';
  return credential === 'new' || credential === 'new+bridge' ? 'new' : undefined;
}
