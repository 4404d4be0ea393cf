// The certificates in an object's value: as PEM that any reader takes, or within a text of another form.

import { reasonOf } from '../errors.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { certificateBodies, certificatesInText } from '../pki/pem-in-text.ts';
import { otherBlocksIn } from './material.ts';

export interface PemSeen {
  /** As a reader of PEM files sees them. */
  certificates: Certificate[];
  /** Why such a reader sees none. */
  fault?: string;
  /** All that stand within the text, where those are more. */
  embedded: Certificate[];
  /** Labels of what else such a reader sees, as `Store.otherBlocks`. */
  otherBlocks?: string[];
}

/** The same bundle lies in thousands of namespaces: each text is read once. */
export function pemReader(): (text: string) => PemSeen {
  const known = new Map<string, PemSeen>();
  return (text) => {
    const seen = known.get(text) ?? readPem(text);
    known.set(text, seen);
    return seen;
  };
}

function readPem(text: string): PemSeen {
  const plain = plainIn(text);
  if (plain.certificates.length === certificateBodies(text).length) return { ...plain, embedded: [] };
  const all = certificatesInText(text);
  return { ...plain, embedded: all.length > plain.certificates.length ? all : [] };
}

function plainIn(text: string): Omit<PemSeen, 'embedded'> {
  try {
    const certificates = parseCertificates(text, 'it');
    if (certificates.length === 0) return { certificates, fault: 'it holds no certificate' };
    return { certificates, ...otherBlocksIn(text, 'it') };
  } catch (thrown) {
    return { certificates: [], fault: reasonOf(thrown) };
  }
}
