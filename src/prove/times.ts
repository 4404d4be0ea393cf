// Clocks. Files and processes of one node are told by that node's clock, objects by the API server's.

import type { Cluster } from '../cluster/client.ts';
import type { Millis } from '../core/model/inventory.ts';
import type { ProbeContext } from './context.ts';

/** The node's clock minus ours, as discovery measured it. */
export const offsetOf = (ctx: ProbeContext, node: string): Millis =>
  ctx.inventory.nodes.find(({ name }) => name === node)?.clockOffset ?? 0;

/** A node's time as one of ours. */
export const ours = (ctx: ProbeContext, node: string, theirs: Millis): Millis => theirs - offsetOf(ctx, node);

/** The node's clock now. */
export const nowAt = (ctx: ProbeContext, node: string): Millis => ctx.now() + offsetOf(ctx, node);

/** The API server's clock now, by the Date of its answer (whole seconds). Its answer to anything will do. */
export async function serverClock(cluster: Cluster): Promise<Millis> {
  const { headers } = await cluster.request('GET', '/version');
  const date = headers.date;
  const time = Date.parse(typeof date === 'string' ? date : '');
  return Number.isNaN(time) ? Date.now() : time;
}

export const seconds = (millis: Millis): string => `${Math.round(millis / 1000)} s`;
