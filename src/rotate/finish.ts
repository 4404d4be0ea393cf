// The end of a rotation: old opens nothing (shown, not assumed), the staged keys and backups are gone, the record says so.

import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { backupFolder } from './open.ts';
import { writeRecord } from './record.ts';
import { destroyStaged } from './staging.ts';

/** After retire: the new generation is the only one. */
export async function finishRetired(ctx: Context): Promise<void> {
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

async function end(ctx: Context, state: 'done' | 'rolled-back'): Promise<void> {
  await destroyStaged(ctx.folders, ctx.accessOf);
  await removeBackups(ctx);
  ctx.record.state = state;
  ctx.record.endedAt = new Date(ctx.now()).toISOString();
  await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
}

/** They hold old keys: gone with the old CA. Only folders of this rotation, by their full name. */
async function removeBackups(ctx: Context): Promise<void> {
  const nodes = new Set(ctx.inventory.stores.flatMap((store) => (store.node ? [store.node] : [])));
  for (const node of nodes) {
    const folder = backupFolder(ctx.folders, node, ctx.inventory, ctx.record.id);
    if (!folder?.endsWith(`/reroot/backup-${ctx.record.id}`)) continue;
    const script = 'test -d "$1" || exit 0; find "$1" -type f -exec shred -u {} + 2>/dev/null; rm -rf "$1"';
    const done = await ctx.accessOf(node).run(['sh', '-c', script, 'reroot', folder]);
    if (done.code !== 0) {
      throw new RerootError(
        EXIT.failedSafe,
        `the backup ${folder} on ${node} could not be removed: ${done.stderr.trim()}`,
        {
          hints: ['it holds keys of the old CA: remove it by hand, then run the same command again'],
        },
      );
    }
  }
}
