// Objects back to what a backup has: only the fields with certificates that reroot writes, by patches that test what is there now.

import { type Cluster, isNotFound, type JsonPatch, type KubeObject } from '../cluster/client.ts';
import { reasonOf } from '../errors.ts';
import { publicSpki } from '../pki/keys.ts';
import { parseCertificates, parsePrivateKey } from '../pki/pem.ts';
import { parseObjectId } from '../stores/object-path.ts';
import { type AnchorSlot, anchorSlots, anchorsPatch } from '../stores/objects.ts';
import type { ArchivedObject } from './archive.ts';

export interface ObjectChange {
  object: string;
  /** The certificates of each field that differs, as PEM. */
  fields: { path: string; before: string; after: string }[];
  patch: JsonPatch[];
  /** What of it stays as it is though it differs, and why, in words. */
  left: { what: string; why: string }[];
}

/** API servers fill this union themselves from their own files; what is restored there comes back into it by itself. */
const UNION = /\/configmaps\/extension-apiserver-authentication$/;

/** Holds an object against its copy. Changes nothing. */
export async function compareObject(cluster: Pick<Cluster, 'get'>, archived: ArchivedObject): Promise<ObjectChange> {
  const { object } = archived;
  const untouched = (why: string): ObjectChange => ({ object, fields: [], patch: [], left: [{ what: object, why }] });
  if (UNION.test(object)) return untouched('the API servers fill it from their own files');
  let current: KubeObject;
  try {
    current = await cluster.get<KubeObject>(object);
  } catch (thrown) {
    return untouched(isNotFound(thrown) ? 'it is not there any more, and is not made again' : reasonOf(thrown));
  }
  const there = slotsOf(archived, current);
  const pairs = slotsOf(archived, archived.value as KubeObject).map((copy) => ({
    copy,
    slot: there.find((slot) => isSame(slot, copy)),
  }));
  const left = unwritten(archived, current);
  const back = new Map<AnchorSlot, string>();
  for (const { copy, slot } of pairs) {
    if (slot?.pem === copy.pem) continue;
    const why = slot ? against(copy, slot, current) : 'it holds no certificate any more, and is not made again';
    if (why !== undefined) left.push({ what: `${object} ${copy.guard?.value ?? copy.path}`, why });
    else if (slot) back.set(slot, copy.pem);
  }
  const fields = [...back].map(([slot, pem]) => ({ path: slot.path, before: slot.pem, after: pem }));
  return { object, fields, patch: anchorsPatch(current, [...back.keys()], (slot) => back.get(slot)), left };
}

/** The fields that the backup names: in one object others may hold certificates that are none of reroot's. */
function slotsOf({ stores }: ArchivedObject, object: KubeObject): AnchorSlot[] {
  const places = stores.flatMap((id) => parseObjectId(id) ?? []);
  const byPath = new Map<string, AnchorSlot>();
  for (const { kind, key } of places) for (const slot of anchorSlots(kind, object, key)) byPath.set(slot.path, slot);
  return [...byPath.values()];
}

/** The same field; in lists the element of the same name, wherever it is by now. */
const isSame = (slot: AnchorSlot, copy: AnchorSlot): boolean =>
  slot.guard ? copy.guard?.value === slot.guard.value : copy.path === slot.path;

/** A kubeconfig in a Secret is in the backup, and reroot puts no certificate there. */
function unwritten({ object, stores, value }: ArchivedObject, current: KubeObject): ObjectChange['left'] {
  const copy = value as KubeObject;
  const keys = new Set(stores.flatMap((id) => parseObjectId(id)?.key ?? []));
  return [...keys].flatMap((key) => {
    const before = dataOf(copy)[key];
    const isWritten = slotsOf({ object, stores, value }, copy).some((slot) => slot.key === key);
    if (isWritten || before === undefined || before === dataOf(current)[key]) return [];
    return [{ what: `${object} ${key}`, why: 'it differs, and reroot does not write what is there' }];
  });
}

const dataOf = ({ data }: KubeObject): Record<string, unknown> => (data ?? {}) as Record<string, unknown>;

/** Why a certificate does not come back: beside another key nothing would start with it. */
function against(copy: AnchorSlot, slot: AnchorSlot, current: KubeObject): string | undefined {
  const leaf = leafIn(copy.pem);
  if (leaf === undefined) return undefined;
  const keys = keysBeside(slot, current);
  // A key that lies elsewhere is that of the certificate which is there now.
  const fits = keys.length > 0 ? keys.includes(leaf) : leafIn(slot.pem) === leaf;
  return fits ? undefined : 'its certificate is for another key than the one that is there now';
}

/** The public half that a text's first certificate is for, where that is no CA's. */
function leafIn(pem: string): string | undefined {
  const [first] = orNone(() => parseCertificates(pem, 'it'));
  return first && !first.isCA ? first.spki : undefined;
}

/** Public halves of the private keys beside a certificate: in its own field or the one named like it, else anywhere in the Secret. */
function keysBeside({ key }: AnchorSlot, current: KubeObject): string[] {
  const fields = Object.entries(dataOf(current));
  const names = [key, key?.replace(/\.(crt|pem|cer|cert)$/, '.key')];
  const own = fields.filter(([name]) => names.includes(name)).flatMap(([, value]) => keyIn(value));
  return own.length > 0 ? own : fields.flatMap(([, value]) => keyIn(value));
}

function keyIn(value: unknown): string[] {
  const text = typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '';
  return text.includes('PRIVATE KEY-----') ? orNone(() => [publicSpki(parsePrivateKey(text, 'it'))]) : [];
}

function orNone<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}

export async function restoreObject(cluster: Pick<Cluster, 'patch'>, change: ObjectChange): Promise<void> {
  if (change.patch.length > 0) await cluster.patch(change.object, change.patch);
}
