// Two CAs, a client certificate from the first, and a kubeconfig as people keep it: comments, two clusters, odd spacing.
import type { KeyObject } from 'node:crypto';
import { encodeExtKeyUsage, encodeKeyUsage } from '../../../src/pki/extensions.ts';
import { type Issuer, issueFrom, randomSerial } from '../../../src/pki/issue.ts';
import { generateKey, spkiDer } from '../../../src/pki/keys.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { encodeName } from '../../../src/pki/names.ts';
import { keyToPem } from '../../../src/pki/pem.ts';

export const NOW = Date.now();
const YEAR = 365 * 86_400_000;

export const ca = (commonName: string): Issuer =>
  makeCA({ commonName, keyType: 'EC-P-256', now: NOW, notAfter: NOW + 10 * YEAR });

export const oldCA = ca('kubernetes');
export const newCA = ca('kubernetes-2026');
export const otherCA = ca('another-cluster');

export function clientOf(issuer: Issuer, key: KeyObject, organizations: string[] = ['developers']) {
  return issueFrom(issuer, {
    serial: randomSerial(),
    subjectDer: encodeName({ commonName: 'ann', organizations }),
    notBefore: NOW - 86_400_000,
    notAfter: NOW + YEAR,
    spkiDer: spkiDer(key),
    extensions: [encodeKeyUsage(['digitalSignature']), encodeExtKeyUsage(['clientAuth'])],
  });
}

export const clientKey = generateKey('EC-P-256');
export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const kubeconfig = (
  over: { ca?: string; client?: string; key?: string; user?: string } = {},
): string => `# Ann's clusters
apiVersion: v1
kind: Config
current-context:   prod      # do not change
clusters:
- name: prod
  cluster: {server: "https://10.0.0.10:6443", certificate-authority-data: ${base64(over.ca ?? oldCA.certificate.pem)}}
- name: lab   # somebody else's
  cluster:
      certificate-authority-data: ${base64(otherCA.certificate.pem)}
      server: https://lab.example:6443
contexts:
- {name: prod, context: {cluster: prod, user: ann}}
- {name: lab, context: {cluster: lab, user: ann}}
users:
- name: ann
  user:
${
  over.user ??
  `    client-certificate-data: ${base64(over.client ?? clientOf(oldCA, clientKey).pem)}   # until next year
    client-key-data: ${base64(over.key ?? keyToPem(clientKey))}
`
}preferences: {}
`;
