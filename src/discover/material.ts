// File contents as stores. What cannot be understood is a store with a fault, never an exception: one broken file must not hide the rest.

import { fileId } from '../core/model/ids.ts';
import type { Store, StoreKind } from '../core/model/inventory.ts';
import { reasonOf } from '../errors.ts';
import type { FileSeen } from '../nodes/files.ts';
import type { Certificate } from '../pki/certificate.ts';
import { publicSpki } from '../pki/keys.ts';
import { parseCertificates, parsePrivateKey } from '../pki/pem.ts';
import { blocksOf, printable } from '../pki/pem-blocks.ts';
import { type KubeconfigParts, kubeconfigParts, type Part } from './kubeconfig-parts.ts';

/** A store before its certificates are held against the inventory's CAs. */
export interface RawStore extends Omit<Store, 'certs'> {
  certificates: Certificate[];
}

export interface WantedStore {
  path: string;
  kind: StoreKind;
  keyPath?: string;
}

/** The store a file is, with the public half of its key. `key` is the file at `keyPath`, where that is another one. */
export function storeOfFile(node: string, wanted: WantedStore, file: FileSeen, key?: FileSeen): RawStore {
  const base: RawStore = {
    id: idOf(node, wanted),
    kind: wanted.kind,
    node,
    path: wanted.path,
    certificates: [],
    ...(wanted.keyPath === undefined ? {} : { keyPath: wanted.keyPath }),
  };
  if (file.kind === 'fault') return { ...base, fault: file.fault };
  const seen: RawStore = { ...base, changedAt: file.changedAt, mode: file.mode, owner: file.owner, links: file.links };
  try {
    return { ...seen, ...contentOf(node, wanted, file.bytes, key) };
  } catch (thrown) {
    return { ...seen, fault: reasonOf(thrown) };
  }
}

function idOf(node: string, { path, kind }: WantedStore): string {
  if (kind === 'kubeconfig-ca') return fileId(node, path, 'ca');
  if (kind === 'kubeconfig-client') return fileId(node, path, 'client');
  return fileId(node, path);
}

type Content = Pick<RawStore, 'certificates' | 'keySpki' | 'server' | 'user' | 'otherBlocks'>;

function contentOf(node: string, wanted: WantedStore, bytes: Buffer, key: FileSeen | undefined): Content {
  const what = `${wanted.path} on ${node}`;
  switch (wanted.kind) {
    case 'manifest':
      return { certificates: [] };
    case 'kubeconfig-ca':
    case 'kubeconfig-client':
      return kubeconfigContent(wanted.kind, kubeconfigParts(bytes.toString('utf8'), wanted.path), what);
    default: {
      const certificates = parseCertificates(bytes, what);
      if (certificates.length === 0) throw new Error(`${what} holds no certificate`);
      const hasOwnKey = wanted.keyPath === wanted.path;
      const keyBytes = hasOwnKey ? bytes : key?.bytes;
      return {
        certificates,
        ...spkiOf(keyBytes, what),
        ...otherBlocksIn(bytes, what, hasOwnKey ? WITH_KEY : undefined),
      };
    }
  }
}

/** A file with its own key has that, and before it perhaps the name of its curve (`openssl ecparam -genkey`). */
const WITH_KEY = /^CERTIFICATE$|^EC PARAMETERS$|PRIVATE KEY$/;

/** Labels of the blocks that do not belong into a text, each once. What is written whole would lose them. */
export function otherBlocksIn(
  text: string | Uint8Array,
  what: string,
  belongs: RegExp = /^CERTIFICATE$/,
): { otherBlocks?: string[] } {
  const labels = blocksOf(text, what).map(({ label }) => printable(label));
  const others = [...new Set(labels.filter((label) => !belongs.test(label)))];
  return others.length > 0 ? { otherBlocks: others } : {};
}

function kubeconfigContent(kind: 'kubeconfig-ca' | 'kubeconfig-client', parts: KubeconfigParts, what: string): Content {
  const about = {
    ...(parts.server === undefined ? {} : { server: parts.server }),
    ...(parts.user === undefined ? {} : { user: parts.user }),
  };
  if (kind === 'kubeconfig-ca') return { ...about, certificates: embedded(parts.ca, `the CA in ${what}`) };
  return {
    ...about,
    certificates: embedded(parts.client, `the client certificate in ${what}`),
    ...spkiOf(parts.key?.pem, what),
  };
}

function embedded(part: Part, what: string): Certificate[] {
  if (part?.pem === undefined) return [];
  const certificates = parseCertificates(part.pem, what);
  if (certificates.length === 0) throw new Error(`${what} is no certificate`);
  return certificates;
}

/** Public half of a private key, the key itself dropped at once. An unreadable key is no fault of the certificate: it has none then. */
export function spkiOf(bytes: Buffer | string | undefined, what: string): { keySpki?: string } {
  if (bytes === undefined) return {};
  try {
    return { keySpki: publicSpki(parsePrivateKey(bytes, what)) };
  } catch {
    return {};
  }
}

/** What a file found by a scan is, by its content: certificates, a kubeconfig (two stores), or nothing of interest. */
export function guessKinds(bytes: Buffer): StoreKind[] {
  const text = bytes.toString('latin1');
  if (/^["']?clusters["']?\s*:/m.test(text) && /certificate-authority|client-certificate/.test(text)) {
    return ['kubeconfig-ca', 'kubeconfig-client'];
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return [];
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return ['pair'];
  return ['leaf'];
}
