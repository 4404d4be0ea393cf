// Restarts in waves: what does not serve may go together, the leader last. Measured from process start times, not from what a command said.

import { setTimeout as pause } from 'node:timers/promises';
import { blankHolder, type LeaseHolder, leaseHolder } from '../cluster/leader.ts';
import { httpsProbe } from '../cluster/wire.ts';
import type { PartyId } from '../core/model/ids.ts';
import type { Instance, Pod } from '../core/model/inventory.ts';
import type { Step } from '../core/model/step.ts';
import { EXIT, RerootError, reasonOf } from '../errors.ts';
import { NodeUnreachable } from '../nodes/access.ts';
import type { ProcessSeen } from '../nodes/processes.ts';
import { restartComponent } from '../nodes/restart.ts';
import { splitEndpoint } from '../prove/endpoint.ts';
import { prove } from '../prove/prove.ts';
import type { Context } from './context.ts';
import { restartKubelets } from './kubelet-waves.ts';
import { greet } from './nudge.ts';
import { probeContext } from './probes.ts';
import { processOf } from './process-of.ts';
import { restartStaticPod } from './restart-static-pod.ts';

/** Milliseconds until a restart that did not come back is a failure. */
const RESTART_LIMIT = 120_000;

export async function restartWaves(ctx: Context, step: Step, waves: readonly (readonly PartyId[])[]): Promise<void> {
  const restart = (number: number, wave: readonly PartyId[]) => restartWave(ctx, step, number, wave);
  const ordered = await leaderLast(ctx, waves);
  const kubelets = ordered.map((wave) => wave.flatMap((party) => kubeletOf(ctx, party) ?? []));
  if (kubelets.flat().length > 0) return restartKubelets(ctx, step, kubelets, restart);
  for (const [number, wave] of ordered.entries()) await restart(number, wave);
}

/** Those that were restarted; the others needed none. */
async function restartWave(ctx: Context, step: Step, number: number, wave: readonly PartyId[]): Promise<PartyId[]> {
  const results = await Promise.allSettled(wave.map((party) => restartOne(ctx, step, number, party)));
  const failed = results.find((result): result is PromiseRejectedResult => result.status === 'rejected');
  if (failed) throw failed.reason;
  return wave.filter((_, index) => (results[index] as PromiseFulfilledResult<boolean>).value);
}

/** A step restarts kubelets or others, never both (src/core/plan/restart-steps.ts). */
const kubeletOf = (ctx: Context, party: PartyId): Instance | undefined =>
  ctx.inventory.instances.find(({ id, component }) => id === party && component === 'kubelet');

/** The plan knew who led when it was made; leadership may have moved since. Asked again just before. */
async function leaderLast(ctx: Context, waves: readonly (readonly PartyId[])[]): Promise<PartyId[][]> {
  if (waves.flat().every((party) => party.startsWith('pod/'))) return addressHolderLast(ctx, waves);
  const instances = waves.flat().map((party) => instanceOf(ctx, party));
  const elected = new Set(instances.map((instance) => instance.component).filter(isElected));
  if (elected.size === 0) return waves.map((wave) => [...wave]);
  const leaders = new Set<PartyId>();
  for (const component of elected) {
    const holder = await leaseHolder(ctx.cluster, component).catch(() => undefined);
    for (const { id, node } of instances) {
      if (id.endsWith(`/${component}`) && leads(ctx, holder, node)) leaders.add(id);
    }
  }
  // Where nobody is known to lead, any of them may: as the plan has it, which then takes one after the other.
  if (leaders.size === 0) return waves.map((wave) => [...wave]);
  const followers = instances.map(({ id }) => id).filter((id) => !leaders.has(id));
  return [followers, [...leaders]].filter((wave) => wave.length > 0);
}

/** kube-vip elects who has the address by this Lease: while the others restart it stays where it is. */
async function addressHolderLast(ctx: Context, waves: readonly (readonly PartyId[])[]): Promise<PartyId[][]> {
  const holder = await leaseHolder(ctx.cluster, 'plndr-cp-lock').catch(() => undefined);
  const nodeOf = (party?: PartyId) => ctx.inventory.pods.find(({ id }) => id === party)?.node;
  const holds = ([party]: readonly PartyId[]): number => (holder && nodeOf(party) === holder.node ? 1 : 0);
  return [...waves].sort((one, other) => holds(one) - holds(other)).map((wave) => [...wave]);
}

/** A Lease names the leader by its host, which need not be called as its node is. */
const leads = ({ inventory }: Context, holder: LeaseHolder | undefined, node: string): boolean =>
  holder !== undefined &&
  (holder.node === node || inventory.nodes.find(({ name }) => name === node)?.hostname === holder.node);

const isElected = (component: string): boolean =>
  component === 'kube-controller-manager' || component === 'kube-scheduler';

function instanceOf(ctx: Context, party: PartyId): Instance {
  const instance = ctx.inventory.instances.find((candidate) => candidate.id === party);
  if (!instance)
    throw new RerootError(EXIT.failedSafe, `${party} is in the plan and not in the inventory: it has gone since`);
  return instance;
}

/** False when it needed none. */
async function restartOne(ctx: Context, step: Step, wave: number, party: PartyId): Promise<boolean> {
  if (await isDone(ctx, step, party)) return false;
  const pod = ctx.inventory.pods.find(({ id }) => id === party);
  if (pod) {
    await restartPod(ctx, step, wave, pod);
  } else {
    const instance = instanceOf(ctx, party);
    const access = ctx.accessOf(instance.node);
    await followed(ctx, step, wave, instance, (process) => restartComponent(access, instance, process));
  }
  return true;
}

/** The best restart is none: a static pod whose manifest was changed was restarted by its kubelet already. */
async function isDone(ctx: Context, step: Step, id: PartyId): Promise<boolean> {
  const authority = step.authority;
  const [seen] = await prove({ kind: 'restarted', authority, of: [id], keep: ['new'] }, probeContext(ctx));
  if (seen?.value === undefined) return false;
  const message = `${id} needs no restart: ${seen.evidence}`;
  ctx.emit({ type: 'restart', step: step.id, party: id, message, data: { state: 'skipped' } });
  return true;
}

async function restartPod(ctx: Context, step: Step, wave: number, pod: Pod): Promise<void> {
  const party = pod.id;
  ctx.emit({ type: 'restart', step: step.id, party, message: `${party} restarts`, data: { state: 'begin' } });
  noteRestart(ctx, step, wave, party, ctx.now(), await restartStaticPod(ctx, pod));
}

function noteRestart(ctx: Context, step: Step, wave: number, party: PartyId, ended: number, seconds: number): void {
  ctx.record.restarts.push({ party, step: step.id, wave, at: new Date(ended).toISOString(), seconds });
  const message = `${party} is back after ${seconds} s`;
  ctx.emit({ type: 'restart', step: step.id, party, message, data: { state: 'done', seconds } });
}

/** Gives an order that makes an instance restart, and follows it until the new process is ready. The restart is noted with the time it took. */
export async function followed(
  ctx: Context,
  step: Step,
  wave: number,
  instance: Instance,
  order: (process: ProcessSeen | undefined) => Promise<void>,
): Promise<void> {
  const party = instance.id;
  const before = await processOf(ctx.accessOf(instance.node), ctx.config, instance);
  const holder = isElected(instance.component)
    ? await leaseHolder(ctx.cluster, instance.component).catch(() => undefined)
    : undefined;
  ctx.emit({ type: 'restart', step: step.id, party, message: `${party} restarts`, data: { state: 'begin' } });
  await order(before);

  const ended = await endOf(ctx, instance, before?.pid);
  // Its Lease would keep the others waiting for 14 to 20 s: a controller manager does not give it up (trap 12). Only once it is proved gone.
  if (holder && leads(ctx, holder, instance.node) && instance.component === 'kube-controller-manager') {
    await blankHolder(ctx.cluster, instance.component, holder.identity).catch((thrown) =>
      ctx.emit({ type: 'warning', party, message: `its Lease runs out by itself: ${reasonOf(thrown)}` }),
    );
  }
  const started = await startOf(ctx, instance, before);
  await ready(ctx, instance);
  if (instance.component === 'kubelet') await greet(ctx, instance.node);
  const seconds = Math.round(ctx.now() - ended) / 1000;
  instance.startedAt = started.startedAt;
  instance.pid = started.pid;
  noteRestart(ctx, step, wave, party, ended, seconds);
}

async function until<T>(ctx: Context, what: string, look: () => Promise<T | undefined>): Promise<T> {
  const begun = ctx.now();
  for (let turn = 0; ; turn += 1) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (ctx.now() - begun > RESTART_LIMIT) {
      throw new RerootError(EXIT.failedSafe, `${what} after ${RESTART_LIMIT / 1000} s`, {
        hints: [
          "look at the component's log on its node",
          'when it runs again, run the same command to go on from here',
        ],
      });
    }
    await pause(Math.min(500, 30 * 1.4 ** Math.min(turn, 8)));
  }
}

const endOf = (ctx: Context, instance: Instance, pid: number | undefined): Promise<number> =>
  until(ctx, `${instance.id} did not stop`, async () => {
    const now = await seenNow(ctx, instance);
    return now !== 'away' && now?.pid !== pid ? ctx.now() : undefined;
  });

const startOf = (ctx: Context, instance: Instance, before: { pid: number } | undefined) =>
  until(ctx, `${instance.id} did not start again`, async () => {
    const now = await seenNow(ctx, instance);
    return now !== 'away' && now && now.pid !== before?.pid ? now : undefined;
  });

/** Through a pod the way to a node goes by an API server and its kubelet, and is away while one of them restarts. */
async function seenNow(ctx: Context, instance: Instance): Promise<ProcessSeen | undefined | 'away'> {
  try {
    return await processOf(ctx.accessOf(instance.node), ctx.config, instance);
  } catch (thrown) {
    if (!(thrown instanceof NodeUnreachable)) throw thrown;
    const message = `${instance.node} does not answer while ${instance.id} restarts: ${reasonOf(thrown)}`;
    ctx.emit({ type: 'wait', party: instance.id, message, data: { missing: [instance.id] } });
    return 'away';
  }
}

const HEALTH: Record<string, string> = {
  'kube-controller-manager': '/healthz',
  'kube-scheduler': '/healthz',
  kubelet: '/healthz',
};

/** Proved at the component itself, not by a pod's startup probe, which first looks after ten seconds. 401 and 403 are answers: it serves. */
async function ready(ctx: Context, instance: Instance): Promise<void> {
  const path = HEALTH[instance.component];
  const { endpoint } = instance;
  if (endpoint && instance.component === 'kube-apiserver') return serverReady(ctx, instance.id, endpoint);
  if (!path || !endpoint) return;
  const { host, port } = splitEndpoint(endpoint);
  await until(ctx, `${instance.id} is not ready`, async () => {
    const answer = await httpsProbe({
      host,
      port,
      path,
      node: instance.node,
      timeout: 2000,
      ...(ctx.dial ? { dial: ctx.dial } : {}),
    }).catch(() => undefined);
    const status = answer && 'status' in answer ? answer.status : undefined;
    return status === 200 || status === 401 || status === 403 ? status : undefined;
  });
}

/** An API server refuses the unknown before it is ready, where anonymous requests are off: it is asked in reroot's own name. */
async function serverReady(ctx: Context, party: PartyId, endpoint: string): Promise<void> {
  const server = ctx.cluster.at(`https://${endpoint}`);
  await until(ctx, `${party} is not ready`, async () => {
    const answer = await server.request('GET', '/readyz', { timeout: 2000, retryFor: 0 }).catch(() => undefined);
    return answer?.status === 200 ? true : undefined;
  });
}
