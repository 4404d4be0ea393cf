// Workloads restart their pods by their own strategy, which is what holds their budgets: the page's annotation, and then a wait until
// the rollout is over.

import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { isNotFound } from '../cluster/client.ts';
import type { StoreId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { evictAll } from './evict-pods.ts';
import { isStopped } from './stop.ts';
import { GO_ON } from './tell.ts';
import { annotationsFor, isRolledOut, notRollingBecause, progressOf, type Workload, wasAsked } from './workload.ts';

/** Milliseconds without any progress after which a rollout is given up. */
const STANDSTILL_LIMIT = 600_000;
/** Rollouts at the same time: each takes new pods' resources for as long as it runs. */
const AT_ONCE = 5;

const PLURALS: Readonly<Record<string, string>> = {
  Deployment: 'deployments',
  DaemonSet: 'daemonsets',
  StatefulSet: 'statefulsets',
};

interface Place {
  id: StoreId;
  kind: string;
  namespace: string;
  name: string;
  path: string;
}

/** `object/Deployment/NS/NAME` as the API's path. */
function placeOf(id: StoreId): Place {
  const [, kind = '', namespace = '', name = ''] = id.split('/');
  return { id, kind, namespace, name, path: `/apis/apps/v1/namespaces/${namespace}/${PLURALS[kind]}/${name}` };
}

/** Each workload is annotated once for a step, however often the rotation is resumed. Throws where a rollout stands still. */
export async function rollOut(ctx: Context, step: Step, workloads: readonly StoreId[]): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const results = await Promise.allSettled(workloads.map((id) => limit(() => rollOne(ctx, step, placeOf(id)))));
  const failed = results.find((result): result is PromiseRejectedResult => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function rollOne(ctx: Context, step: Step, place: Place): Promise<void> {
  if (isStopped(ctx)) throw interrupted(place);
  const found = await look(ctx, place);
  const because = found === undefined ? 'it has gone' : notRollingBecause(place.kind, found);
  if (found === undefined || because !== undefined) {
    ctx.emit({ type: 'warning', step: step.id, party: place.id, message: `${place.id} does not roll out: ${because}` });
    return evictAll(ctx, step, podsOf(ctx, step, place));
  }
  const marker = `${ctx.record.id}/${step.id}`;
  if (!wasAsked(found, marker)) {
    ctx.emit({
      type: 'restart',
      step: step.id,
      party: place.id,
      message: `${place.id} rolls out`,
      data: { state: 'begin' },
    });
    const annotations = annotationsFor(marker, new Date(ctx.now()).toISOString());
    // Of this object only: one of the same name that was made since has another uid, and the patch is refused.
    const { uid } = found.metadata;
    await ctx.cluster.patch(place.path, { metadata: { uid }, spec: { template: { metadata: { annotations } } } });
  }
  const begun = ctx.now();
  await rolledOut(ctx, step, place);
  const seconds = Math.round((ctx.now() - begun) / 1000);
  ctx.emit({
    type: 'restart',
    step: step.id,
    party: place.id,
    message: `${place.id} has rolled out after ${seconds} s`,
    data: { state: 'done', seconds },
  });
}

const podsOf = (ctx: Context, step: Step, { kind, namespace, name }: Place) => {
  const wanted = new Set(step.action.do === 'roll' ? step.action.pods : []);
  return ctx.inventory.pods
    .filter((pod) => wanted.has(pod.id) && pod.namespace === namespace)
    .filter(({ workload }) => workload?.kind === kind && workload.name === name)
    .map(({ id }) => id);
};

async function look(ctx: Context, { path }: Place): Promise<Workload | undefined> {
  try {
    return await ctx.cluster.get<Workload>(path);
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

async function rolledOut(ctx: Context, step: Step, place: Place): Promise<void> {
  let last = '';
  let since = ctx.now();
  for (;;) {
    const now = await look(ctx, place);
    if (now === undefined || isRolledOut(place.kind, now)) return;
    const progress = progressOf(now);
    if (progress !== last) {
      last = progress;
      since = ctx.now();
      ctx.emit({ type: 'wait', step: step.id, party: place.id, message: `${place.id}: ${progress}` });
    }
    if (ctx.now() - since > STANDSTILL_LIMIT) {
      throw new RerootError(
        EXIT.blocked,
        `${place.id} does not roll out: nothing has changed for ${STANDSTILL_LIMIT / 1000} s (${progress})`,
        { hints: [`kubectl -n ${place.namespace} describe ${place.kind.toLowerCase()} ${place.name}`, GO_ON] },
      );
    }
    if (isStopped(ctx)) throw interrupted(place);
    await pause(1_000);
  }
}

const interrupted = ({ id }: Place): RerootError =>
  new RerootError(EXIT.interrupted, `interrupted while ${id} rolls out`, { hints: [GO_ON] });
