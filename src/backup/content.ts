// The content of a file as a view takes it: certificates and the public half of a key told apart, the text for the rest.

import type { Certificate } from '../pki/certificate.ts';
import { publicSpki } from '../pki/keys.ts';
import { parseCertificates, parsePrivateKey } from '../pki/pem.ts';
import { readKubeconfig } from '../stores/kubeconfig-file.ts';

export interface Content {
  text: string;
  certificates: Certificate[];
  keySpki?: string;
}

/** Never throws: what cannot be understood is text. */
export function contentOf(bytes: Uint8Array): Content {
  const text = Buffer.from(bytes).toString('utf8');
  const pems = [text, ...embeddedIn(text)];
  const certificates = pems.flatMap((pem) => orNothing(() => parseCertificates(pem, 'it')) ?? []);
  const key = pems
    .map((pem) => orNothing(() => publicSpki(parsePrivateKey(pem, 'it'))))
    .find((spki) => spki !== undefined);
  return { text, certificates, ...(key === undefined ? {} : { keySpki: key }) };
}

function embeddedIn(text: string): string[] {
  if (!text.includes('clusters')) return [];
  const seen = orNothing(() => readKubeconfig(text));
  return [seen?.ca?.pem, seen?.client?.pem, seen?.key?.pem].filter((pem) => pem !== undefined);
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
