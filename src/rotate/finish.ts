// The end of a rotation: old opens nothing (shown, not assumed), the staged keys and backups are gone, the record says so.

import type { KeyObject } from 'node:crypto';
import { readFiles } from '../nodes/files.ts';
import { removeBackups } from './backups.ts';
import type { Context } from './context.ts';
import { writeRecord } from './record.ts';
import { destroyStaged, leftKeyPath, writeKey } from './staging.ts';
import { stopBefore } from './stop.ts';

/** After retire: the new generation is the only one. */
export async function finishRetired(ctx: Context): Promise<void> {
  await leaveMadeKeys(ctx);
  await end(ctx, 'done');
  ctx.emit({
    type: 'move',
    move: 'retire',
    message: 'retire is reached: nothing accepts old any more',
    data: { state: 'reached' },
  });
}

/** After a rollback: the new generation can only go back once it had a reverse bridge, so its key is destroyed (trap 2). */
export async function finishRolledBack(ctx: Context): Promise<void> {
  await end(ctx, 'rolled-back');
  ctx.emit({
    type: 'move',
    move: 'rollback',
    message: 'rolled back: everything is on the old CA',
    data: { state: 'reached' },
  });
}

/** A CA whose key was kept elsewhere: one that reroot made has its key in the staging folder alone, so it is left for whoever keeps such keys. */
async function leaveMadeKeys(ctx: Context): Promise<void> {
  for (const { authority, external, made, new: fresh } of ctx.materials) {
    if (!external || !made) continue;
    const places = ctx.folders.map((folder) => ({
      node: folder.node,
      path: leftKeyPath(folder, authority, ctx.record.id),
    }));
    const left = await leave(ctx, places, fresh.key);
    const message = left
      ? `the key of the new CA is in ${left.path} on ${left.node} and nowhere else: take it to where the old one is kept, and remove it there`
      : 'the key of the new CA, which reroot made, is on no control plane any more: without it nothing can be issued from it; rotate again with --new-ca';
    ctx.emit({ type: 'warning', authority, message });
  }
}

interface Place {
  node: string;
  path: string;
}

/** In the first of these places. Cut off while the staged keys went, it was left by the run before, in the place that was the first one then. */
async function leave(ctx: Context, places: readonly Place[], key: KeyObject | undefined): Promise<Place | undefined> {
  const [first] = places;
  if (key && first) {
    await writeKey(ctx.accessOf(first.node), first.path, key);
    return first;
  }
  const found = places.map(async (place) => {
    const seen = await readFiles(ctx.accessOf(place.node), [place.path]);
    return seen.get(place.path)?.bytes === undefined ? [] : [place];
  });
  return (await Promise.all(found)).flat()[0];
}

/**
 * Ends the rotation. Without the staged keys nothing can be proved any more, so the record says that it is at its end before they go: who is cut off in
 * between begins here again.
 */
async function end(ctx: Context, state: 'done' | 'rolled-back'): Promise<void> {
  stopBefore(ctx, 'the staged keys and backups are removed');
  const nodes = new Set(ctx.inventory.stores.flatMap(({ node }) => (node ? [node] : [])));
  await Promise.all([...nodes].map((node) => removeBackups(ctx, node)));
  ctx.record.ending = state;
  await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
  await destroyStaged(ctx.folders, ctx.accessOf);
  delete ctx.record.ending;
  ctx.record.state = state;
  ctx.record.endedAt = new Date(ctx.now()).toISOString();
  await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
}
