// A certificate from each of the cluster's signers, asked for as anybody would ask: through the CSR API, with kubectl's approval.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Certificate, verifiedBy } from '../../src/pki/certificate.ts';
import { makeCSR } from '../../src/pki/csr.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { requireCertificates } from '../../src/pki/pem.ts';
import { kubectl, type TestLab } from './harness.ts';

interface Wanted {
  signer: string;
  usages: string[];
  subject: { commonName: string; organizations: string[] };
  dnsNames: string[];
}

const NODE = { commonName: 'system:node:w1', organizations: ['system:nodes'] };
const WANTED: Wanted[] = [
  {
    signer: 'kube-apiserver-client',
    usages: ['client auth'],
    subject: { commonName: 'somebody', organizations: [] },
    dnsNames: [],
  },
  {
    signer: 'kube-apiserver-client-kubelet',
    usages: ['digital signature', 'client auth'],
    subject: NODE,
    dnsNames: [],
  },
  { signer: 'kubelet-serving', usages: ['digital signature', 'server auth'], subject: NODE, dnsNames: ['w1'] },
];

/** Fails unless each signer gives a certificate from `ca`, which is one, and from it alone. Both are PEM. */
export async function expectSignedBy(lab: Pick<TestLab, 'dir'>, ca: string, old: string): Promise<void> {
  const [now, ...more] = requireCertificates(ca, 'ca.crt');
  const [before] = requireCertificates(old, 'the old CA');
  expect(more).toEqual([]);
  for (const [signer, certificate] of await signedByEach(lab)) {
    expect(verifiedBy(certificate, now), signer).toBe(true);
    expect(verifiedBy(certificate, before), signer).toBe(false);
  }
}

/** By signer, what it signed just now. */
async function signedByEach(lab: Pick<TestLab, 'dir'>): Promise<Map<string, Certificate>> {
  const signed = new Map<string, Certificate>();
  for (const wanted of WANTED) signed.set(wanted.signer, await sign(lab, wanted));
  return signed;
}

async function sign(lab: Pick<TestLab, 'dir'>, { signer, usages, subject, dnsNames }: Wanted): Promise<Certificate> {
  const name = `test-${signer}-${Date.now()}`;
  const request = makeCSR({ key: generateKey('EC-P-256'), subject, dnsNames, ipAddresses: [] });
  const object = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: { request: Buffer.from(request).toString('base64'), signerName: `kubernetes.io/${signer}`, usages },
  };
  execFileSync(join(lab.dir, 'bin/kubectl'), ['--kubeconfig', join(lab.dir, 'kubeconfig'), 'create', '-f', '-'], {
    input: JSON.stringify(object),
  });
  kubectl(lab, ['certificate', 'approve', name]);
  for (let look = 0; look < 100; look += 1) {
    const { status } = JSON.parse(kubectl(lab, ['get', 'csr', name, '-o', 'json']));
    if (status?.certificate) {
      kubectl(lab, ['delete', 'csr', name]);
      const [certificate] = requireCertificates(Buffer.from(status.certificate, 'base64'), name);
      if (certificate) return certificate;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${signer} did not sign ${name}`);
}
