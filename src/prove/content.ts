// A store read back now: a file on its node, an object's field, a pod's projected file.

import { type Cluster, isNotFound, type KubeObject } from '../cluster/client.ts';
import { flagSetOf } from '../core/catalog/split.ts';
import { parseFileId, type StoreId } from '../core/model/ids.ts';
import type { Millis, StoreKind } from '../core/model/inventory.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import type { Holds } from '../core/model/value.ts';
import { classify } from '../discover/classify.ts';
import { parseManifest } from '../discover/manifests.ts';
import { type RawStore, spkiOf, storeOfFile } from '../discover/material.ts';
import { changeOf } from '../discover/objects.ts';
import type { FileFound } from '../nodes/files.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { certificatesInText } from '../pki/pem-in-text.ts';
import { readAnchors } from '../stores/objects.ts';
import { describeAnchors, describeChain, factsIn } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import { known } from './resolve.ts';

export interface Content extends Look {
  /** Of a file by its node's clock, of an object by the API server's. */
  changedAt?: Millis;
}

export function contentOf(ctx: LookContext, id: StoreId, holds: Holds, authority: AuthorityRotation): Promise<Content> {
  return parseFileId(id) ? ofFile(ctx, id, holds, authority) : ofObject(ctx, id, holds, authority);
}

async function ofFile(ctx: LookContext, id: StoreId, holds: Holds, authority: AuthorityRotation): Promise<Content> {
  const place = parseFileId(id);
  if (!place) throw new Error(`${id} is no file`);
  const { node, path } = place;
  const seen = known(ctx).stores.get(id);
  const kind = kindOf(id, holds, seen?.kind);
  const keyPath = seen?.keyPath ?? (kind === 'pair' ? path : undefined);
  const files = await ctx.read(node, [...new Set([path, keyPath ?? path])]);
  const file = files.get(path);
  const where = `${path} on ${node}`;
  if (!file) throw new Error(`${where} was not read`);
  // A signer that is not there is a value of its own; one that may not be read is not.
  if (file.kind === 'fault' && file.reason === 'absent' && holds === 'signer')
    return { value: 'absent', evidence: `${where} is not there` };
  if (file.kind === 'file' && kind === 'manifest') return ofManifest(ctx, id, file);
  if (file.kind === 'file' && holds === 'signer' && path.endsWith('.key')) return ofKey(file, authority, where);
  const wanted = { path, kind, ...(keyPath === undefined ? {} : { keyPath }) };
  const store = storeOfFile(node, wanted, file, keyPath === undefined ? undefined : files.get(keyPath));
  if (store.fault !== undefined) return { value: undefined, evidence: `${where}: ${store.fault}` };
  return described(ctx, store, holds, authority, where);
}

function ofManifest(ctx: LookContext, id: StoreId, { path, bytes, changedAt }: FileFound): Content {
  const use = known(ctx).topology.uses.find(({ sources }) => sources.some(({ store }) => store === id));
  const component = use?.party.split('/').at(-1);
  const manifest = parseManifest(path, bytes.toString('utf8'), changedAt).find((one) => one.component === component);
  return { value: manifest && flagSetOf(manifest.flags), evidence: `the flags in ${path}`, changedAt };
}

/** A CA's key by itself, where kubeadm looks for it: whose it is, is told by its public half. */
function ofKey({ bytes, changedAt, path }: FileFound, authority: AuthorityRotation, where: string): Content {
  const { keySpki } = spkiOf(bytes, path);
  const value = keySpki === authority.old.spki ? 'old' : keySpki === authority.new.spki ? 'new' : 'mismatched';
  const whose = value === 'mismatched' ? 'of neither CA' : `of ${authority[value].subject}`;
  return { value, evidence: `${where} is the key ${whose}`, changedAt };
}

function kindOf(id: StoreId, holds: Holds, seen: StoreKind | undefined): StoreKind {
  if (seen) return seen;
  if (id.endsWith('#ca')) return 'kubeconfig-ca';
  if (id.endsWith('#client')) return 'kubeconfig-client';
  // Files that reroot makes first: the split signer, the root bundle (core/catalog/split.ts).
  return ({ trust: 'bundle', credential: 'leaf', signer: 'pair', flags: 'manifest' } as const)[holds];
}

function described(
  ctx: LookContext,
  store: RawStore,
  holds: Holds,
  authority: AuthorityRotation,
  where: string,
): Content {
  const { certificates, changedAt } = store;
  const value = classify({ ...store, certs: factsIn(ctx, certificates) }, authority, holds);
  const what = holds === 'trust' ? describeAnchors(certificates) : describeChain(certificates);
  return { value, evidence: `${where} holds ${what}`, ...(changedAt === undefined ? {} : { changedAt }) };
}

// ---- objects ----

const PLURALS: Readonly<Record<string, string>> = {
  ConfigMap: 'api/v1 configmaps',
  Secret: 'api/v1 secrets',
  ValidatingWebhookConfiguration: 'apis/admissionregistration.k8s.io/v1 validatingwebhookconfigurations',
  MutatingWebhookConfiguration: 'apis/admissionregistration.k8s.io/v1 mutatingwebhookconfigurations',
  APIService: 'apis/apiregistration.k8s.io/v1 apiservices',
  CustomResourceDefinition: 'apis/apiextensions.k8s.io/v1 customresourcedefinitions',
};

export interface ObjectPlace {
  kind: string;
  namespace: string;
  name: string;
  key?: string;
  /** The API server's path. */
  path: string;
}

/** `object/KIND/NAMESPACE/NAME#KEY` as the place it is; undefined for kinds that hold no material. */
export function parseObjectId(id: StoreId): ObjectPlace | undefined {
  const match = /^object\/([^/]+)\/([^/]*)\/([^#]+)(?:#(.*))?$/s.exec(id);
  const [group, plural] = PLURALS[match?.[1] ?? '']?.split(' ') ?? [];
  if (!match || !group) return undefined;
  const [, kind = '', namespace = '', name = '', key] = match;
  const path = `/${group}/${namespace === '' ? '' : `namespaces/${namespace}/`}${plural}/${name}`;
  return { kind, namespace, name, path, ...(key === undefined ? {} : { key }) };
}

/** The object, or undefined when it is gone. */
export async function readObject(cluster: Cluster, { path }: ObjectPlace): Promise<KubeObject | undefined> {
  try {
    return await cluster.get(path);
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

async function ofObject(ctx: LookContext, id: StoreId, holds: Holds, authority: AuthorityRotation): Promise<Content> {
  const place = parseObjectId(id);
  if (!place) return { value: undefined, evidence: `reroot does not know how to read ${id}` };
  const object = await readObject(ctx.cluster, place);
  if (!object) return { value: undefined, evidence: `${id} is gone` };
  if (!known(ctx).stores.get(id)?.embedded) return objectContent(ctx, place, object, holds, authority);
  const within = certificatesInText(textOf(place, object)).filter(({ isCA }) => isCA === (holds === 'trust'));
  return describedObject(ctx, place, object, within, holds, authority);
}

export function objectContent(
  ctx: LookContext,
  place: ObjectPlace,
  object: KubeObject,
  holds: Holds,
  authority: AuthorityRotation,
): Content {
  const text = holds === 'trust' ? readAnchors(place.kind, object, place.key) : textOf(place, object);
  return describedObject(ctx, place, object, parseCertificates(text, whereOf(place)), holds, authority);
}

const whereOf = ({ kind, namespace, name }: ObjectPlace): string =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;

function describedObject(
  ctx: LookContext,
  place: ObjectPlace,
  object: KubeObject,
  certificates: Certificate[],
  holds: Holds,
  authority: AuthorityRotation,
): Content {
  const changedAt = changeOf(object.metadata);
  const store = {
    id: '',
    kind: 'object-bundle' as const,
    certificates,
    ...(changedAt === undefined ? {} : { changedAt }),
  };
  return described(ctx, store, holds, authority, whereOf(place));
}

/** One value of a ConfigMap or Secret: the certificate of a TLS Secret, whose key is not touched. */
function textOf({ kind, key }: ObjectPlace, object: KubeObject): string {
  const value = key === undefined ? undefined : (object.data as Record<string, string> | undefined)?.[key];
  if (value === undefined || kind === 'ConfigMap') return value ?? '';
  return Buffer.from(value, 'base64').toString('utf8');
}
