// When the record is written while a rotation runs.

import pLimit from 'p-limit';
import type { Context } from './context.ts';
import { writeRecord } from './record.ts';

/** Milliseconds between two copies of the record while steps go by: all that resume needs is in the cluster itself. */
const RECORD_EVERY = 1_000;
const savedAt = new WeakMap<Context['record'], number>();
/** One copy after the other: of two at once the older one might be the last to be renamed. */
const oneByOne = pLimit(1);

export async function saveRecordNowAndThen(ctx: Context): Promise<void> {
  if (ctx.now() - (savedAt.get(ctx.record) ?? 0) >= RECORD_EVERY) await saveRecord(ctx);
}

export async function saveRecord(ctx: Context): Promise<void> {
  savedAt.set(ctx.record, ctx.now());
  const { failed } = await oneByOne(() => writeRecord(ctx.record, ctx.folders, ctx.accessOf));
  for (const { node, why } of failed) {
    ctx.emit({ type: 'warning', party: `node/${node}`, message: `the record could not be written on ${node}: ${why}` });
  }
}
