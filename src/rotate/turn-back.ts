// The moment a rollback begins. Only now are reverse bridges minted, and from now on this new generation can only go back (trap 2).

import { parseFileId } from '../core/model/ids.ts';
import { some } from '../core/model/some.ts';
import { planRollback } from '../core/plan/rollback.ts';
import { againstReverse } from '../core/plan/route.ts';
import { EXIT, RerootError } from '../errors.ts';
import { makeBridge } from '../pki/bridge.ts';
import type { Context } from './context.ts';
import { authorityRotation, fitsAgain } from './material.ts';
import { writeRecord } from './record.ts';
import { keptLeaf } from './replaced.ts';
import { keyFile } from './staging.ts';
import { stopBefore } from './stop.ts';

export async function turnBack(ctx: Context): Promise<void> {
  if (ctx.record.state === 'rolling-back') {
    ctx.emit({ type: 'begin', message: `the rollback of ${ctx.record.id} goes on`, data: { resumed: true } });
    return;
  }
  refuseAfterDrop(ctx);
  refuseTornPairs(ctx);
  refuseWithoutOldKey(ctx);
  stopBefore(ctx, 'the rollback');
  for (const material of ctx.materials) {
    // A front-proxy CA serves nothing, and a key that leaked gets no bridge that makes it trusted again. The route forth says nothing
    // here: the way back needs the new key alone, so the plan is asked.
    const serves = material.authority !== 'front-proxy';
    if (!serves || ctx.record.compromised || !material.new.key) continue;
    const pair = ctx.rotation.authorities.find(({ authority }) => authority === material.authority);
    if (!pair || againstReverse(pair.old, pair.new, ctx.now()) !== undefined) continue;
    const by = { certificate: material.new.certificate, key: material.new.key };
    const reverse = makeBridge({ of: material.old.certificate, by, purpose: 'reverse', now: ctx.now() });
    material.bridges.reverse = reverse;
    const record = ctx.record.authorities.find(({ authority }) => authority === material.authority);
    if (record) record.bridges.reverse = reverse.pem;
  }
  ctx.rotation = { ...ctx.rotation, rollback: true, authorities: ctx.materials.map(authorityRotation) };
  ctx.record.state = 'rolling-back';
  await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
  ctx.emit({ type: 'begin', message: `rolls ${ctx.record.id} back to the old CA`, data: { rollback: true } });
}

/**
 * With new keys a crash may leave a new key beside its old certificate (trap 8). The way back writes only what is not from old, and would end with a pair
 * that nobody can start with.
 */
function refuseTornPairs({ inventory, record }: Context): void {
  if (!record.newKeys) return;
  for (const { id, certs, keySpki } of inventory.stores) {
    const [leaf] = certs;
    if (!leaf || leaf.isCA || keySpki === undefined || keySpki === leaf.spki) continue;
    throw new RerootError(EXIT.blocked, `pair-mismatch: the key of ${id} is new already and its certificate is not`, {
      hints: ['reroot rotate --until issue writes the certificate that fits; then roll back'],
    });
  }
}

/**
 * The old CA's key may be on no node. What the rotation replaced is kept and goes back as it was; what came since (a kubelet that renewed itself, the
 * signer of a cluster that signs) would have to be signed with it again, and half-way is no place to find that out.
 */
function refuseWithoutOldKey(ctx: Context): void {
  if (ctx.materials.every(({ old }) => old.key)) return;
  const plan = planRollback(ctx.inventory, { ...ctx.rotation, rollback: true }, ctx.now());
  const stores = new Map(ctx.inventory.stores.map((store) => [store.id, store]));
  for (const { action, authority } of plan.steps) {
    const material = ctx.materials.find((one) => one.authority === authority);
    if (action.do !== 'write' || !material || material.old.key) continue;
    const lacking = action.stores.filter((id) => {
      const place = parseFileId(id);
      if (place && ctx.folders.some(({ node, signer }) => node === place.node && signer === place.path)) return true;
      const [leaf] = stores.get(id)?.certs ?? [];
      if (!leaf?.signedBy.includes(material.new.certificate.fingerprint)) return false;
      return !fitsAgain(keptLeaf(ctx, authority, id), leaf, material.old.certificate, ctx.now());
    });
    if (lacking.length === 0) continue;
    const [folder] = ctx.folders;
    const where = folder ? ` as ${keyFile(folder, authority, 'old')} on ${folder.node}, mode 0600` : '';
    throw new RerootError(
      EXIT.blocked,
      `old-key-not-here: the key of ${material.old.certificate.subject} is on no node, and without it the way back cannot write ${some(lacking, 4)}`,
      {
        hints: [`put the key there for the time of the rollback${where}, and run it again; it is destroyed at the end`],
      },
    );
  }
}

/** Old must still be in every API server's client CA file: once it was dropped there is no simple way back. */
function refuseAfterDrop(ctx: Context): void {
  for (const { authority, old } of ctx.rotation.authorities) {
    const flag = authority === 'front-proxy' ? 'requestheader-client-ca-file' : 'client-ca-file';
    for (const server of ctx.inventory.instances.filter(({ component }) => component === 'kube-apiserver')) {
      const path = server.flags[flag]?.[0];
      const store = ctx.inventory.stores.find(
        ({ node, path: at, kind }) => node === server.node && at === path && kind === 'bundle',
      );
      if (!store || store.certs.some(({ fingerprint }) => fingerprint === old.fingerprint)) continue;
      throw new RerootError(
        EXIT.blocked,
        `${server.id} does not trust the old ${authority} CA any more: retire has dropped it`,
        {
          hints: ['finish retire: reroot rotate --until retire; then rotate again to another CA'],
        },
      );
    }
  }
}
