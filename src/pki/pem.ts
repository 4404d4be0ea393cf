// Certificates and keys in PEM texts, out and in.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Certificate, readCertificate } from './certificate.ts';
import { PemError } from './errors.ts';
import { type Block, blocksOf, decodeBody, printable } from './pem-blocks.ts';

/**
 * All CERTIFICATE blocks in order; other blocks (keys, parameters) are left out. A text without any gives [].
 * `what` names the text in errors: `/etc/kubernetes/pki/ca.crt on cp1`. Throws a PemError for a block that is not a certificate.
 */
export function parseCertificates(text: string | Uint8Array, what: string): Certificate[] {
  return blocksOf(text, what)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map((block) => parseBlock(block, what));
}

function parseBlock(block: Block, what: string): Certificate {
  if (block.headers.length > 0)
    throw new PemError(`${what}: PEM block ${block.number} is a certificate with headers, which Kubernetes skips`, {
      hints: ['remove the lines between BEGIN CERTIFICATE and the first base64 line'],
    });
  const der = decodeBody(block, what);
  try {
    return readCertificate(der);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PemError(`${what}: PEM block ${block.number} is not a certificate: ${why}`, { cause });
  }
}

/** As `parseCertificates`, and at least one must be there. */
export function requireCertificates(text: string | Uint8Array, what: string): [Certificate, ...Certificate[]] {
  const [first, ...rest] = parseCertificates(text, what);
  if (!first)
    throw new PemError(`${what} holds no certificate`, {
      hints: ['it must have at least one -----BEGIN CERTIFICATE----- block'],
    });
  return [first, ...rest];
}

export const toPem = (certificates: readonly Certificate[]): string => certificates.map(({ pem }) => pem).join('');

const KEY_LABELS = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];

/** The first private key of a text that may hold certificates as well. Its bytes are never in an error. */
export function parsePrivateKey(text: string | Uint8Array, what: string): KeyObject {
  const block = blocksOf(text, what).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!block) throw new PemError(`${what} holds no private key`);
  if (block.label === 'ENCRYPTED PRIVATE KEY' || block.headers.some((header) => header.includes('ENCRYPTED')))
    throw new PemError(`${what}: the private key is encrypted, and Kubernetes components cannot use such a key`, {
      hints: ['decrypt it first, to a file of mode 0600: openssl pkey -in KEY -out DECRYPTED'],
    });
  if (!KEY_LABELS.includes(block.label))
    throw new PemError(`${what}: a key of kind ${printable(block.label)} is not one that TLS servers and CAs use`);
  const der = decodeBody(block, what);
  const type = { 'PRIVATE KEY': 'pkcs8', 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1' } as const;
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: type[block.label as keyof typeof type] });
  } catch {
    throw new PemError(`${what}: PEM block ${block.number} (${block.label}) is not a private key that can be read`);
  }
}

/** A private key in the form kubeadm writes: `RSA PRIVATE KEY`, `EC PRIVATE KEY`; PKCS#8 for Ed25519. Keep it off every screen. */
export function keyToPem(key: KeyObject): string {
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8';
  return key.export({ type, format: 'pem' }).toString();
}
