// A kubelet that renews its own client certificate: it is given one of which less than a tenth is left, and asks for another at its start
// (k8s.io/client-go/util/certificate: at 70 to 90 percent of a certificate's life).

import { expect } from 'vitest';
import { type Certificate, verifiedBy } from '../../src/pki/certificate.ts';
import { keyToPem, parsePrivateKey, requireCertificates, toPem } from '../../src/pki/pem.ts';
import { reissueLeaf } from '../../src/pki/reissue.ts';
import type { FullLab } from './harness.ts';

const CURRENT = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const MINUTE = 60_000;

/** Fails unless the kubelet of this node gets a certificate by itself, from the CA whose key lies on cp1. */
export async function expectOwnRenewal(lab: FullLab, node: string): Promise<void> {
  const pki = '/etc/kubernetes/pki';
  const [certificate] = requireCertificates(await lab.on('cp1', `cat ${pki}/ca.crt`), 'ca.crt');
  const ca = { certificate, key: parsePrivateKey(await lab.on('cp1', `cat ${pki}/ca.key`), 'ca.key') };
  const pair = await lab.on(node, `cat ${CURRENT}`);
  const [leaf] = requireCertificates(pair, CURRENT);
  const now = Date.now();
  const ending = reissueLeaf(leaf, ca, { notBefore: now - 120 * MINUTE, notAfter: now + 10 * MINUTE });
  await lab.on(node, `cat > "$(readlink -f ${CURRENT})" && systemctl restart kubelet`, {
    stdin: toPem([ending]) + keyToPem(parsePrivateKey(pair, CURRENT)),
    timeout: 60_000,
  });
  let renewed: Certificate = ending;
  await expect
    .poll(
      async () => {
        [renewed] = requireCertificates(await lab.on(node, `cat ${CURRENT}`), CURRENT);
        return renewed.fingerprint;
      },
      { timeout: 120_000, interval: 1_000 },
    )
    .not.toBe(ending.fingerprint);
  expect(verifiedBy(renewed, certificate), `${node} got it from the CA of now`).toBe(true);
}
