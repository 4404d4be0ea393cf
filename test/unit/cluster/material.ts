// Certificates for tests that need real handshakes.

import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { makeClientLeaf } from '../../../src/pki/client-leaf.ts';
import { encodeExtKeyUsage, encodeKeyUsage, encodeSubjectAltName } from '../../../src/pki/extensions.ts';
import { authorityKeyIdFor, type Issuer, issueFrom, randomSerial } from '../../../src/pki/issue.ts';
import { generateKey, spkiDer } from '../../../src/pki/keys.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { encodeName } from '../../../src/pki/names.ts';
import { keyToPem } from '../../../src/pki/pem.ts';

const DAY = 86_400_000;
export const NOW = Date.now();

export interface Pair {
  certificate: Certificate;
  key: KeyObject;
  cert: string;
  keyPem: string;
}

export const ca = (commonName: string): Issuer =>
  makeCA({ keyType: 'EC-P-256', commonName, now: NOW, notAfter: NOW + 365 * DAY });

const pair = (certificate: Certificate, key: KeyObject): Pair => ({
  certificate,
  key,
  cert: certificate.pem,
  keyPem: keyToPem(key),
});

export function serverLeaf(by: Issuer, commonName = 'server', ips = ['127.0.0.1'], dns = ['localhost']): Pair {
  const key = generateKey('EC-P-256');
  const certificate = issueFrom(by, {
    serial: randomSerial(),
    subjectDer: encodeName({ commonName }),
    notBefore: NOW - DAY,
    notAfter: NOW + 30 * DAY,
    spkiDer: spkiDer(key),
    extensions: [
      encodeKeyUsage(['digitalSignature']),
      encodeExtKeyUsage(['serverAuth']),
      encodeSubjectAltName(dns, ips),
      ...authorityKeyIdFor(by.certificate),
    ],
  });
  return pair(certificate, key);
}

export function clientLeaf(by: Issuer, commonName = 'anna'): Pair {
  const key = generateKey('EC-P-256');
  return pair(makeClientLeaf(by, { commonName, publicKey: key, now: NOW }), key);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export function kubeconfigText(server: string, trust: string, client?: Pair): string {
  return `apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: ${base64(trust)}
    server: ${server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: anna
  name: anna@kubernetes
current-context: anna@kubernetes
users:
- name: anna
  user:
${client ? `    client-certificate-data: ${base64(client.cert)}\n    client-key-data: ${base64(client.keyPem)}` : '    token: t0ken'}
`;
}
