// From an abstract value to a file's bytes, by the kind of store.

import type { KeyObject } from 'node:crypto';
import { KUBELET_SERVER_CURRENT } from '../core/catalog/kubelet.ts';
import { presenters } from '../core/catalog/presenters.ts';
import { splitFlags } from '../core/catalog/split.ts';
import type { StoreId } from '../core/model/ids.ts';
import { parseFileId } from '../core/model/ids.ts';
import type { Store } from '../core/model/inventory.ts';
import type { Credential, Trust, Value } from '../core/model/value.ts';
import { EXIT, RerootError, reasonOf } from '../errors.ts';
import { type FileSeen, readFiles } from '../nodes/files.ts';
import { type Certificate, verifiedBy } from '../pki/certificate.ts';
import { generateKey, type KeyType, matches } from '../pki/keys.ts';
import { keyToPem, parseCertificates, parsePrivateKey, toPem } from '../pki/pem.ts';
import { readKubeconfig, setCA, setClient } from '../stores/kubeconfig-file.ts';
import { setFlags } from '../stores/manifest.ts';
import type { Context } from './context.ts';
import { orderServing } from './kubelet-serving.ts';
import { type AuthorityMaterial, anchorsFor, chainFor, type LeafRequest } from './material.ts';
import { keptLeaf, replacedBy } from './replaced.ts';

export interface ContentRequest {
  ctx: Context;
  id: StoreId;
  store: Store | undefined;
  value: Value;
  material: AuthorityMaterial;
  /** The file as it is now, or the one it is made after. */
  current: FileSeen | undefined;
}

export interface Content {
  bytes: Buffer;
  /** Set for files reroot makes first; otherwise mode and owner stay. */
  mode?: number;
  owner?: string;
  /** With new keys: the key's file, to be written just before. Between the two renames the pair does not fit (trap 8). */
  keyFile?: { path: string; bytes: Buffer };
  /** PEM of the leaf that this write takes away. */
  replaced?: string | undefined;
}

/** The bytes a store holds for a value. Throws RerootError when what is there is not what the kind says. */
export async function newContent(request: ContentRequest): Promise<Content> {
  const place = parseFileId(request.id);
  const folder = request.ctx.folders.find(({ node }) => node === place?.node);
  if (place && place.path === folder?.signer) return signerContent(request);
  if (place && place.path === folder?.rootCA) return { ...bundleContent(request), ...ownerOf(request), mode: 0o644 };
  const kind = request.store?.kind;
  switch (kind) {
    case 'bundle':
      return bundleContent(request);
    case 'leaf':
      return leafContent(request);
    case 'pair':
      // A server's pair that lies in one file, as haproxy reads it, is a leaf.
      return request.store?.certs[0]?.isCA === false ? leafContent(request) : signerContent(request);
    case 'kubeconfig-ca':
      return kubeconfigCA(request);
    case 'kubeconfig-client':
      return kubeconfigClient(request);
    case 'manifest':
      return manifestContent(request);
    default:
      throw new RerootError(
        EXIT.failedSafe,
        `${request.id} is a ${kind ?? 'place that was not seen'}: reroot does not know how to write it`,
      );
  }
}

const textOf = (request: ContentRequest): string => {
  if (!request.current?.bytes) throw new RerootError(EXIT.failedSafe, `${request.id} has gone since it was looked at`);
  return Buffer.from(request.current.bytes).toString('utf8');
};

const ownerOf = (request: ContentRequest): { owner?: string } =>
  request.current?.bytes === undefined ? {} : { owner: request.current.owner };

/** What the inventory saw must still be there: other certificates than those are somebody else's work in the meantime. */
function certificatesNow(request: ContentRequest, text: string): Certificate[] {
  return parseCertificates(text, request.id);
}

function bundleContent(request: ContentRequest): Content {
  const current = request.current?.bytes ? certificatesNow(request, textOf(request)) : [];
  return { bytes: Buffer.from(toPem(anchorsFor(current, request.value as Trust, request.material))) };
}

/** Certificate and key in one file: `tls.X509KeyPair(f, f)` takes it, and one rename switches both (trap 8). */
function signerContent(request: ContentRequest): Content {
  const generation = request.value === 'new' ? request.material.new : request.material.old;
  if (!generation.key) {
    throw new RerootError(
      EXIT.failedSafe,
      `the key of ${generation.certificate.subject} is not staged, so nothing can sign with it`,
    );
  }
  const bytes = Buffer.from(toPem([generation.certificate]) + keyToPem(generation.key));
  return { bytes, mode: 0o600, ...ownerOf(request) };
}

async function leafContent(request: ContentRequest): Promise<Content> {
  const text = textOf(request);
  const current = certificatesNow(request, text);
  const { keyPath, path } = request.store ?? {};
  if (keyPath !== undefined && keyPath === path) {
    const key = await keyForLeaf(request, current, parsePrivateKey(text, request.id));
    const signed = await servingFromSigner(request, current, key.use);
    const chain = signed ? [signed] : chainFor(chainRequest(request, current, key.fresh));
    return { bytes: Buffer.from(toPem(chain) + keyToPem(key.use)), replaced: replacedBy(current, chain) };
  }
  const inFile = request.ctx.record.newKeys ? await keyInFile(request) : undefined;
  const key = inFile ? await keyForLeaf(request, current, inFile) : undefined;
  const chain = chainFor(chainRequest(request, current, key?.fresh));
  const keyFile =
    key?.fresh && keyPath && key.use !== inFile ? { path: keyPath, bytes: Buffer.from(keyToPem(key.use)) } : undefined;
  return { bytes: Buffer.from(toPem(chain)), ...(keyFile ? { keyFile } : {}), replaced: replacedBy(current, chain) };
}

/**
 * A kubelet that is told to ask the cluster's signer gets what the signer gives, asked for in its name. Where that cannot be had, the same
 * leaf is issued from the staged key, as all others are. undefined: not such a leaf, or it is from the wanted CA already.
 */
async function servingFromSigner(
  request: ContentRequest,
  [leaf]: readonly Certificate[],
  key: KeyObject,
): Promise<Certificate | undefined> {
  const { ctx, store, material, value } = request;
  const issuer = material.new.certificate;
  if (!leaf || value !== 'new' || !store?.node || !store.path?.endsWith(`/${KUBELET_SERVER_CURRENT}`)) return undefined;
  if (verifiedBy(leaf, issuer)) return undefined;
  try {
    return await orderServing(ctx, { node: store.node, leaf, key, issuer });
  } catch (thrown) {
    const message = `${store.node}'s kubelet gets a serving certificate from the staged CA, not from the signer: ${reasonOf(thrown)}`;
    ctx.emit({ type: 'warning', party: `${store.node}/kubelet`, message });
    return undefined;
  }
}

async function keyInFile(request: ContentRequest): Promise<KeyObject | undefined> {
  const { keyPath, node } = request.store ?? {};
  if (!keyPath || !node) return undefined;
  const seen = (await readFiles(request.ctx.accessOf(node), [keyPath])).get(keyPath);
  return seen?.bytes ? parsePrivateKey(seen.bytes.toString('utf8'), `${node}:${keyPath}`) : undefined;
}

/**
 * With `--new-keys` a leaf that is not from new yet gets a new key. A key file that does not fit its leaf is one that a crash left
 * between the two renames: it is the new key already.
 */
async function keyForLeaf(
  request: ContentRequest,
  current: readonly Certificate[],
  inFile: KeyObject,
): Promise<{ use: KeyObject; fresh?: KeyObject }> {
  const [leaf] = current;
  const toNew = request.ctx.record.newKeys && String(request.value).startsWith('new');
  if (!toNew || !leaf || verifiedBy(leaf, request.material.new.certificate)) return { use: inFile };
  const use = matches(leaf, inFile) ? generateKey(leaf.keyType as KeyType) : inFile;
  return { use, fresh: use };
}

function chainRequest(request: ContentRequest, current: readonly Certificate[], publicKey?: KeyObject): LeafRequest {
  const kept = keptLeaf(request.ctx, request.material.authority, request.id);
  const as = request.value === 'new+bridge' ? roleIn(request) : undefined;
  return {
    current,
    value: request.value as Credential,
    material: request.material,
    now: request.ctx.now(),
    ...(as ? { as } : {}),
    ...(kept ? { kept } : {}),
    ...(publicKey ? { publicKey } : {}),
  };
}

/** How components present it. Nobody, or in both ways: undefined. */
function roleIn({ ctx, id }: ContentRequest): LeafRequest['as'] {
  const all = presenters(ctx.inventory).get(id) ?? [];
  const [role, ...more] = new Set(all.map((one) => one.role));
  return more.length === 0 ? role : undefined;
}

function kubeconfigCA(request: ContentRequest): Content {
  const text = textOf(request);
  const { ca } = readKubeconfig(text, request.id);
  const current = ca?.pem === undefined ? [] : certificatesNow(request, ca.pem);
  return { bytes: Buffer.from(setCA(text, toPem(anchorsFor(current, request.value as Trust, request.material)))) };
}

async function kubeconfigClient(request: ContentRequest): Promise<Content> {
  const text = textOf(request);
  const { client, key } = readKubeconfig(text, request.id);
  const current = client?.pem === undefined ? [] : certificatesNow(request, client.pem);
  const embedded = key?.pem === undefined ? undefined : parsePrivateKey(key.pem, request.id);
  const { fresh } = embedded ? await keyForLeaf(request, current, embedded) : {};
  const chain = chainFor(chainRequest(request, current, fresh));
  const next = setClient(text, toPem(chain), fresh ? keyToPem(fresh) : undefined);
  return { bytes: Buffer.from(next), replaced: replacedBy(current, chain) };
}

function manifestContent(request: ContentRequest): Content {
  const place = parseFileId(request.id);
  const folder = request.ctx.folders.find(({ node }) => node === place?.node);
  if (!folder) throw new RerootError(EXIT.failedSafe, `${request.id} is not on a control-plane node`);
  return { bytes: Buffer.from(setFlags(textOf(request), splitFlags(folder))) };
}
