// Objects back to what a backup has: only the fields with trust anchors that reroot writes, by patches that test what is there now.

import { type Cluster, isNotFound, type JsonPatch, type KubeObject } from '../cluster/client.ts';
import { reasonOf } from '../errors.ts';
import { parseObjectId } from '../stores/object-path.ts';
import { type AnchorSlot, anchorSlots, anchorsPatch } from '../stores/objects.ts';
import type { ArchivedObject } from './archive.ts';

export interface ObjectChange {
  object: string;
  /** The anchors of each field that differs, as PEM. */
  fields: { path: string; before: string; after: string }[];
  patch: JsonPatch[];
  /** Why it is left as it is, in words. */
  left?: string;
}

/** API servers fill this union themselves from their own files; what is restored there comes back into it by itself. */
const UNION = /\/configmaps\/extension-apiserver-authentication$/;

/** Holds an object against its copy. Changes nothing. */
export async function compareObject(cluster: Pick<Cluster, 'get'>, archived: ArchivedObject): Promise<ObjectChange> {
  const { object } = archived;
  const nothing = { object, fields: [], patch: [] };
  if (UNION.test(object)) return { ...nothing, left: 'the API servers fill it from their own files' };
  let current: KubeObject;
  try {
    current = await cluster.get<KubeObject>(object);
  } catch (thrown) {
    return {
      ...nothing,
      left: isNotFound(thrown) ? 'it is not there any more, and is not made again' : reasonOf(thrown),
    };
  }
  const kind = parseObjectId(archived.stores[0] ?? '')?.kind ?? '';
  const copies = anchorSlots(kind, archived.value as KubeObject);
  const slots = anchorSlots(kind, current).filter((slot) => {
    const copy = copyOf(slot, copies);
    return copy !== undefined && copy.pem !== slot.pem;
  });
  const fields = slots.map((slot) => ({ path: slot.path, before: slot.pem, after: copyOf(slot, copies)?.pem ?? '' }));
  return { object, fields, patch: anchorsPatch(current, slots, (slot) => copyOf(slot, copies)?.pem) };
}

/** The same field; in lists the element of the same name, wherever it is by now. */
function copyOf(slot: AnchorSlot, copies: readonly AnchorSlot[]): AnchorSlot | undefined {
  return copies.find((copy) => (slot.guard ? copy.guard?.value === slot.guard.value : copy.path === slot.path));
}

export async function restoreObject(cluster: Pick<Cluster, 'patch'>, change: ObjectChange): Promise<void> {
  if (change.patch.length > 0) await cluster.patch(change.object, change.patch);
}
