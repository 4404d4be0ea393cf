// A store read back now: a file on its node, an object's field, a pod's projected file.

import { type Cluster, isNotFound, type KubeObject } from '../cluster/client.ts';
import { flagSetOf } from '../core/catalog/split.ts';
import { parseFileId, type StoreId } from '../core/model/ids.ts';
import type { Millis, StoreKind } from '../core/model/inventory.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import type { Holds } from '../core/model/value.ts';
import { classify } from '../discover/classify.ts';
import { parseManifest } from '../discover/manifests.ts';
import { type RawStore, storeOfFile } from '../discover/material.ts';
import { changeOf } from '../discover/objects.ts';
import { readFiles } from '../nodes/files.ts';
import { parseCertificates } from '../pki/pem.ts';
import { readAnchors } from '../stores/objects.ts';
import { describeAnchors, describeChain, factsIn } from './chain.ts';
import type { Look, ProbeContext } from './context.ts';
import { known } from './resolve.ts';

export interface Content extends Look {
  /** Of a file by its node's clock, of an object by the API server's. */
  changedAt?: Millis;
}

export function contentOf(
  ctx: ProbeContext,
  id: StoreId,
  holds: Holds,
  authority: AuthorityRotation,
): Promise<Content> {
  return parseFileId(id) ? ofFile(ctx, id, holds, authority) : ofObject(ctx, id, holds, authority);
}

async function ofFile(ctx: ProbeContext, id: StoreId, holds: Holds, authority: AuthorityRotation): Promise<Content> {
  const place = parseFileId(id);
  if (!place) throw new Error(`${id} is no file`);
  const seen = known(ctx).stores.get(id);
  const kind = kindOf(id, holds, seen?.kind);
  const keyPath = seen?.keyPath ?? (kind === 'pair' ? place.path : undefined);
  const paths = keyPath === undefined || keyPath === place.path ? [place.path] : [place.path, keyPath];
  const files = await readFiles(ctx.accessOf(place.node), paths);
  const file = files.get(place.path);
  if (!file) throw new Error(`${place.path} was not read`);
  if (kind === 'manifest' && file.kind === 'file') {
    const component = known(ctx).topology.uses.find((use) => use.sources.some(({ store }) => store === id))?.party;
    const name = component?.split('/').at(-1);
    const manifest = parseManifest(place.path, file.bytes.toString('utf8'), file.changedAt).find(
      (one) => one.component === name,
    );
    return {
      value: manifest && flagSetOf(manifest.flags),
      evidence: `the flags in ${place.path} on ${place.node}`,
      changedAt: file.changedAt,
    };
  }
  const store = storeOfFile(
    place.node,
    { path: place.path, kind, ...(keyPath === undefined ? {} : { keyPath }) },
    file,
    keyPath === undefined ? undefined : files.get(keyPath),
  );
  // A signer that is not there is a value of its own.
  if (store.fault !== undefined && holds !== 'signer')
    return { value: undefined, evidence: `${place.path} on ${place.node}: ${store.fault}` };
  return described(ctx, store, holds, authority, `${place.path} on ${place.node}`);
}

function kindOf(id: StoreId, holds: Holds, seen: StoreKind | undefined): StoreKind {
  if (seen) return seen;
  if (id.endsWith('#ca')) return 'kubeconfig-ca';
  if (id.endsWith('#client')) return 'kubeconfig-client';
  // Files that reroot makes first: the split signer, the root bundle (core/catalog/split.ts).
  return ({ trust: 'bundle', credential: 'leaf', signer: 'pair', flags: 'manifest' } as const)[holds];
}

function described(
  ctx: ProbeContext,
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

async function ofObject(ctx: ProbeContext, id: StoreId, holds: Holds, authority: AuthorityRotation): Promise<Content> {
  const place = parseObjectId(id);
  if (!place) return { value: undefined, evidence: `reroot does not know how to read ${id}` };
  const object = await readObject(ctx.cluster, place);
  if (!object) return { value: undefined, evidence: `${id} is gone` };
  return objectContent(ctx, place, object, holds, authority);
}

export function objectContent(
  ctx: ProbeContext,
  place: ObjectPlace,
  object: KubeObject,
  holds: Holds,
  authority: AuthorityRotation,
): Content {
  const where = `${place.kind} ${place.namespace === '' ? '' : `${place.namespace}/`}${place.name}`;
  const text = holds === 'trust' ? readAnchors(place.kind, object, place.key) : leafText(object, place.key);
  const certificates = parseCertificates(text, where);
  const changedAt = changeOf(object.metadata);
  const store = {
    id: '',
    kind: 'object-bundle' as const,
    certificates,
    ...(changedAt === undefined ? {} : { changedAt }),
  };
  return described(ctx, store, holds, authority, where);
}

/** The certificate of a TLS Secret; its key is not touched. */
function leafText(object: KubeObject, key: string | undefined): string {
  const value = key === undefined ? undefined : (object.data as Record<string, string> | undefined)?.[key];
  return value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8');
}
