// Objects are written by a JSON patch of the one field, with a test of what it held: fields reroot does not know stay as they are.

import type { KubeObject } from '../cluster/client.ts';
import type { StoreId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import type { Credential, Trust, Value } from '../core/model/value.ts';
import { otherBlocksIn } from '../discover/material.ts';
import { EXIT, RerootError } from '../errors.ts';
import { parseCertificates, toPem } from '../pki/pem.ts';
import { objectPath, parseObjectId } from '../stores/object-path.ts';
import { type AnchorSlot, anchorSlots, anchorsPatch } from '../stores/objects.ts';
import { type Context, materialOf } from './context.ts';
import { type AuthorityMaterial, anchorsFor, chainFor } from './material.ts';
import { keepReplaced, keptLeaf, replacedBy, saveReplaced } from './replaced.ts';

export async function writeObject(ctx: Context, step: Step, id: StoreId, value: Value): Promise<void> {
  const place = parseObjectId(id);
  if (!place) throw new Error(`${id} is no object`);
  const path = objectPath(place);
  if (!path) throw new RerootError(EXIT.failedSafe, `reroot does not know how to write a ${place.kind}`);
  const material = materialOf(ctx, step.authority);
  const object = await ctx.cluster.get<KubeObject>(path);
  const slots = anchorSlots(place.kind, object, place.key);
  if (slots.length === 0) throw new RerootError(EXIT.failedSafe, `${id} holds no CA any more: somebody has changed it`);
  const store = ctx.inventory.stores.find((one) => one.id === id);
  if (store?.embedded)
    throw new RerootError(
      EXIT.failedSafe,
      `${id} is a text of its owner with certificates in it: reroot does not write it`,
    );
  const isLeaf = store?.kind === 'object-leaf';
  const next = (slot: AnchorSlot): string | undefined =>
    isLeaf ? nextLeaf(ctx, slot, id, value as Credential, material) : nextPem(slot, id, value as Trust, material);
  const patch = anchorsPatch(object, slots, next);
  if (patch.length === 0) return;
  if (isLeaf) await saveReplaced(ctx, step.authority);
  await ctx.cluster.patch(path, patch);
}

/** A server's certificate that a Secret holds beside its key, which stays. The leaf that goes is kept for the way back. */
function nextLeaf(ctx: Context, slot: AnchorSlot, id: StoreId, value: Credential, material: AuthorityMaterial): string {
  refuseMore(slot, id);
  const current = parseCertificates(slot.pem, id);
  const kept = keptLeaf(ctx, material.authority, id);
  const chain = chainFor({ current, value, material, as: 'server', now: ctx.now(), ...(kept ? { kept } : {}) });
  if (value.startsWith('new')) keepReplaced(ctx, material.authority, id, replacedBy(current, chain));
  return toPem(chain);
}

/** Only slots that hold a generation of this authority are ours to change; another CA in the same object stays. */
function nextPem(slot: AnchorSlot, id: StoreId, value: Trust, material: AuthorityMaterial): string | undefined {
  const held = parseCertificates(slot.pem, id);
  const ours = [material.old.certificate.fingerprint, material.new.certificate.fingerprint];
  if (!held.some(({ fingerprint }) => ours.includes(fingerprint))) return undefined;
  refuseMore(slot, id);
  return toPem(anchorsFor(held, value, material));
}

/** A field is written whole: what else somebody has put into it, such as the key that haproxy and nginx want there, would be gone. */
function refuseMore(slot: AnchorSlot, id: StoreId): void {
  const { otherBlocks } = otherBlocksIn(slot.pem, id);
  if (otherBlocks === undefined) return;
  throw new RerootError(
    EXIT.failedSafe,
    `${id} holds more than certificates (${otherBlocks.join(', ')}), and is written whole: nothing was written`,
    { hints: ['give the certificates a key of their own in it, and keep the rest elsewhere'] },
  );
}
