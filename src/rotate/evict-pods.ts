// Stale pods go by the Eviction API, so that disruption budgets hold, whatever owns them; and one by one, so that no Service is left
// without a ready endpoint, budget or not.

import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type Cluster, isNotFound } from '../cluster/client.ts';
import { evict } from '../cluster/evict.ts';
import { byKey } from '../core/catalog/survey.ts';
import type { PartyId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import { type PodObject, podFact } from '../discover/pods.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { type EndpointSlice, leftWithout } from './endpoints-left.ts';
import { isStopped } from './stop.ts';

/** Namespaces in which pods are evicted at the same time. */
const AT_ONCE = 8;
/** Milliseconds that a budget or a Service may hold one pod up. */
const EVICTION_LIMIT = 600_000;

/** Budgets and Services are a namespace's own: within one it goes one by one, and several namespaces at the same time. */
export async function evictAll(ctx: Context, step: Step, pods: readonly PartyId[]): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const groups = [...byKey(pods, (party) => party.split('/')[1] ?? '').values()];
  const results = await Promise.allSettled(groups.map((group) => limit(() => evictGroup(ctx, step, group))));
  const failed = results.find((result): result is PromiseRejectedResult => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function evictGroup(ctx: Context, step: Step, pods: readonly PartyId[]): Promise<void> {
  const sentAway = new Set<string>();
  for (const party of pods) await evictOne(ctx, step, party, sentAway);
}

/** Adds the pod's uid to those that were sent away. */
async function evictOne(ctx: Context, step: Step, party: PartyId, sentAway: Set<string>): Promise<void> {
  const begun = ctx.now();
  for (;;) {
    const uid = await staleUid(ctx, party);
    if (uid === undefined) return skipped(ctx, step, party);
    const held = await heldBecause(ctx.cluster, party, uid, sentAway);
    if (held === undefined) {
      sentAway.add(uid);
      break;
    }
    const waited = ctx.now() - begun;
    if (waited > EVICTION_LIMIT) throw givenUp(party, held);
    if (isStopped(ctx)) throw new RerootError(EXIT.interrupted, `interrupted while evicting ${party}`);
    const data = { seconds: Math.round(waited / 1000) };
    ctx.emit({ type: 'wait', step: step.id, party, message: `${party} waits: ${held}`, data });
    await pause(2_000);
  }
  ctx.emit({ type: 'restart', step: step.id, party, message: `${party} was evicted`, data: { state: 'done' } });
}

/** The uid of the pod that was planned for; undefined when it has gone, or another of its name runs, or it was restarted in place. */
async function staleUid(ctx: Context, party: PartyId): Promise<string | undefined> {
  const [, namespace, name] = party.split('/');
  const planned = ctx.inventory.pods.find(({ id }) => id === party);
  try {
    const object = await ctx.cluster.get<PodObject & { metadata: { deletionTimestamp?: string } }>(
      `/api/v1/namespaces/${namespace}/pods/${name}`,
    );
    const now = podFact(object, new Set());
    const isSame = now !== undefined && (planned === undefined || now.startedAt <= planned.startedAt);
    return isSame && object.metadata.deletionTimestamp === undefined ? object.metadata.uid : undefined;
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

/** Evicts it, or says what holds it. */
async function heldBecause(
  cluster: Cluster,
  party: PartyId,
  uid: string,
  sentAway: ReadonlySet<string>,
): Promise<string | undefined> {
  const [, namespace = '', name = ''] = party.split('/');
  const slices = await cluster.list<EndpointSlice>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`);
  const dark = leftWithout(slices, uid, sentAway);
  if (dark.length > 0) return `it is the only ready endpoint of Service ${namespace}/${dark.join(', ')}`;
  const eviction = await evict(cluster, namespace, name, uid);
  return eviction.outcome === 'held' ? eviction.why : undefined;
}

const skipped = (ctx: Context, step: Step, party: PartyId): void =>
  ctx.emit({
    type: 'restart',
    step: step.id,
    party,
    message: `${party} has gone or started anew: not evicted`,
    data: { state: 'skipped' },
  });

const givenUp = (party: PartyId, held: string): RerootError =>
  new RerootError(EXIT.blocked, `${party} cannot be evicted: for ${EVICTION_LIMIT / 1000} s ${held}`, {
    hints: [
      'let its owner run one more (kubectl scale), make room in its budget, or let its own strategy do it: --restart all',
      `or restart the pod yourself, or waive it: --waive ${party}=REASON`,
    ],
  });
