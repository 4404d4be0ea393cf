// The end of a rotation: old opens nothing (shown, not assumed), the staged keys and backups are gone, the record says so.

import { removeBackups } from './backups.ts';
import type { Context } from './context.ts';
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
  const nodes = new Set(ctx.inventory.stores.flatMap(({ node }) => (node ? [node] : [])));
  await Promise.all([...nodes].map((node) => removeBackups(ctx, node)));
  ctx.record.state = state;
  ctx.record.endedAt = new Date(ctx.now()).toISOString();
  await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
}
