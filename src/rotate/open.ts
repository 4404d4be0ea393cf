// Opens a rotation or goes on with the one that is open: from flags and what lies on the nodes to a Context.

import { filesToBackUp } from '../backup/gather.ts';
import { backupNode } from '../backup/node-backup.ts';
import type { Cluster } from '../cluster/client.ts';
import type { Dial } from '../cluster/wire.ts';
import type { Config } from '../config/config.ts';
import type { Authority } from '../core/model/ids.ts';
import type { Inventory } from '../core/model/inventory.ts';
import type { Rotation, Waiver } from '../core/model/rotation.ts';
import type { Refusal } from '../core/model/step.ts';
import { preconditions } from '../core/plan/preconditions.ts';
import { controlPlaneAway } from '../core/plan/preconditions-cluster.ts';
import { unsupported } from '../core/plan/preconditions-support.ts';
import { discoverAll } from '../discover/discover.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { KeyType } from '../pki/keys.ts';
import { backupFolder, removeBackups } from './backups.ts';
import { materialsFor, newRotationId } from './begin.ts';
import type { Context } from './context.ts';
import type { Emit } from './events.ts';
import { foldersOf } from './folder.ts';
import { type AuthorityMaterial, authorityRotation } from './material.ts';
import { type AccessOf, makeHomes, newRecord, readRecord, writeRecord } from './record.ts';
import type { RotationRecord } from './record-types.ts';
import { destroyStaged, readStaged, stageKeys } from './staging.ts';
import { stopBefore } from './stop.ts';

export interface World {
  config: Config;
  cluster: Cluster;
  accessOf: AccessOf;
  noteAddress?: (node: string, address: string) => void;
  dial?: Dial;
  emit: Emit;
  now: () => number;
  signal: AbortSignal;
  checkLease?: () => void;
}

/** Both are served by the same components and can go in the same waves. */
const USUAL: readonly Authority[] = ['kubernetes', 'front-proxy'];

export interface Wish {
  authorities?: readonly Authority[];
  newCA: readonly string[];
  keyType?: KeyType;
  newKeys: boolean;
  restart: 'none' | 'stale' | 'all';
  waivers: readonly Waiver[];
  maxUnavailable: string;
  compromised: boolean;
}

export const isOpen = (record: RotationRecord | undefined): record is RotationRecord =>
  record?.state === 'open' || record?.state === 'rolling-back';

export interface Opened {
  ctx: Context;
  /** True when nothing of this rotation is on the nodes yet. */
  fresh: boolean;
}

/** Looks, and makes the context of the open rotation or of one that could begin. Changes nothing. */
export async function open(world: World, wish: Wish): Promise<Opened> {
  const look = await discoverAll(world, { now: world.now() });
  const first = look.inventory;
  const folders = foldersOf(first);
  const found = await readRecord(folders, world.accessOf);
  const record = isOpen(found?.record) ? found.record : undefined;
  if (!record) refuse(unsupported(first));
  const materials = record
    ? await readStaged(record, folders, world.accessOf)
    : await materialsFor(first, world.accessOf, {
        authorities: wish.authorities ?? USUAL,
        newCA: wish.newCA,
        newKeys: wish.newKeys,
        now: world.now(),
        ...(wish.keyType ? { keyType: wish.keyType } : {}),
      });
  if (record) refuseOtherWish(record, wish, materials);
  const chosen = record ?? fresh(world, wish, materials, first, found?.record.sequence);
  const rotation = rotationOf(chosen, materials, wish);
  const inventory = record ? look.under(rotation) : first;
  return { fresh: record === undefined, ctx: { ...world, inventory, rotation, materials, folders, record: chosen } };
}

function fresh(
  world: World,
  wish: Wish,
  materials: readonly AuthorityMaterial[],
  inventory: Inventory,
  after: number | undefined,
): RotationRecord {
  const now = world.now();
  return newRecord(
    {
      id: newRotationId(now),
      ...(after === undefined ? {} : { after }),
      server: inventory.cluster.server,
      now,
      clocks: clocksAt(now, inventory),
      newKeys: wish.newKeys,
      compromised: wish.compromised,
      restart: wish.restart,
    },
    materials,
  );
}

/** The clock of each node that was reached, at this moment of ours. */
const clocksAt = (now: number, { nodes }: Inventory): Record<string, number> =>
  Object.fromEntries(
    nodes.flatMap(({ name, clockOffset }) => (clockOffset === undefined ? [] : [[name, now + clockOffset]])),
  );

function refuseOtherWish(record: RotationRecord, wish: Wish, materials: readonly AuthorityMaterial[]): void {
  const open = record.authorities.map(({ authority }) => authority);
  if (wish.newCA.length > 0) {
    throw new RerootError(
      EXIT.wrongUse,
      `rotation ${record.id} is open and has its new CAs: --new-ca cannot change them`,
      {
        hints: ['leave the flag out to go on, or reroot rollback first'],
      },
    );
  }
  const fixed: [boolean, string][] = [
    [materials.some((one) => one.made && !isOfType(one, wish.keyType)), `--key-type ${wish.keyType}`],
    [wish.newKeys && !record.newKeys, '--new-keys'],
    [
      wish.compromised &&
        !record.compromised &&
        record.authorities.some(({ bridges }) => bridges.reverse !== undefined),
      '--compromised (a reverse bridge was made already)',
    ],
  ];
  for (const [is, flag] of fixed) {
    if (!is) continue;
    throw new RerootError(
      EXIT.wrongUse,
      `rotation ${record.id} is open and was begun without it: ${flag} comes too late`,
      {
        hints: ['leave the flag out to go on, or reroot rollback first'],
      },
    );
  }
  const missing = (wish.authorities ?? open).filter((authority) => !open.includes(authority));
  if (missing.length > 0) {
    throw new RerootError(
      EXIT.wrongUse,
      `rotation ${record.id} is open for ${open.join(', ')}, not for ${missing.join(', ')}`,
      {
        hints: [`finish it first: reroot rotate --authority ${open.join(',')} --until retire`],
      },
    );
  }
}

const isOfType = ({ new: { certificate } }: AuthorityMaterial, wanted: KeyType | undefined): boolean =>
  wanted === undefined || certificate.keyType === wanted;

/** Waivers add up over the runs of one rotation; the other choices are those of the latest run. */
export function rotationOf(record: RotationRecord, materials: readonly AuthorityMaterial[], wish: Wish): Rotation {
  const waivers = [...record.waivers];
  for (const waiver of wish.waivers) {
    if (!waivers.some(({ party }) => party === waiver.party)) waivers.push(waiver);
  }
  record.waivers = waivers;
  record.restart = wish.restart;
  // A key may turn out to have leaked at any time: until a reverse bridge is made, none will be.
  record.compromised ||= wish.compromised;
  return {
    id: record.id,
    authorities: materials.map(authorityRotation),
    restart: wish.restart,
    waivers,
    newKeys: record.newKeys,
    compromised: record.compromised,
    rollback: record.state === 'rolling-back',
    ...(record.clocks ? { begunAt: record.clocks } : {}),
    maxUnavailable: wish.maxUnavailable,
  };
}

/** The first writes: folders, staged keys, backup, record. Refuses before the first of them when a precondition is not met. */
export async function begin(ctx: Context): Promise<void> {
  // Another who took the Lease since our look may have begun, and what looks left over is theirs.
  stopBefore(ctx, 'the first write');
  refuseUnmet(ctx);
  await clearLeftovers(ctx);
  await makeHomes(ctx.folders, ctx.accessOf);
  await stageKeys(ctx.materials, ctx.folders, ctx.accessOf);
  await backUp(ctx);
  const { failed } = await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
  if (failed.length > 0) {
    throw new RerootError(
      EXIT.failedSafe,
      `the record could not be written on ${failed.map(({ node, why }) => `${node} (${why})`).join(', ')}`,
      {
        hints: ['make room or mend the permissions there, then run the command again'],
      },
    );
  }
  ctx.emit({
    type: 'begin',
    message: `rotation ${ctx.record.id} begins`,
    data: { authorities: ctx.record.authorities.map(({ authority }) => authority) },
  });
  for (const { authority, old, external, made } of ctx.materials) {
    const beside = ctx.inventory.authorities.find((one) => one.authority === authority)?.anchors ?? [];
    for (const { subject, fingerprint } of beside) {
      if (fingerprint === old.certificate.fingerprint) continue;
      const message = `${subject} (${fingerprint.slice(0, 16)}) is trusted beside ${old.certificate.subject}, signed nothing that components use, and stays`;
      ctx.emit({ type: 'warning', authority, message });
    }
    if (!external) continue;
    const end = made ? "the made CA's key is left beside the record, to be taken away" : 'none is put there at the end';
    ctx.emit({ type: 'warning', authority, message: `no CA key is kept on the nodes (an external CA): ${end}` });
  }
}

/** What must hold at every look, not only at the first: a control plane that went away since. */
export const refuseAway = ({ inventory }: Pick<Context, 'inventory'>): void => refuse(controlPlaneAway({ inventory }));

export const refuseUnmet = (ctx: Pick<Context, 'inventory' | 'rotation' | 'now'>): void =>
  refuse(preconditions(ctx.inventory, ctx.rotation, ctx.now()));

function refuse(unmet: readonly Refusal[]): void {
  const [first] = unmet;
  if (!first) return;
  const rest = unmet.slice(1, 6).map(({ reason, message }) => `\n  ${reason}: ${message}`);
  throw new RerootError(EXIT.blocked, `${first.reason}: ${first.message}${rest.join('')}`, {
    hints: unmet.flatMap(({ hint }) => (hint ? [hint] : [])).slice(0, 4),
  });
}

/** Everything reroot may touch, copied on the nodes themselves: real copies, never links (trap 10). */
async function backUp(ctx: Context): Promise<void> {
  const nodes = [...filesToBackUp(ctx.inventory)].map(async ([node, files]) => {
    const folder = backupFolder(ctx.folders, node, ctx.inventory, ctx.record.id);
    if (folder) await backupNode(ctx.accessOf(node), files, folder);
  });
  const failed = (await Promise.allSettled(nodes)).find(
    (one): one is PromiseRejectedResult => one.status === 'rejected',
  );
  if (failed) throw failed.reason;
}

/** What a beginning that was cut off before its record was written has left: nobody knows its id any more. */
async function clearLeftovers(ctx: Context): Promise<void> {
  await destroyStaged(ctx.folders, ctx.accessOf);
  const nodes = new Set(ctx.inventory.stores.flatMap(({ node }) => (node ? [node] : [])));
  await Promise.all([...nodes].map((node) => removeBackups(ctx, node)));
}
