// A static pod that is none of the control plane's own: its processes are ended as its kubelet would end them, and the kubelet starts it again.

import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, KubeObject } from '../cluster/client.ts';
import type { Pod } from '../core/model/inventory.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { listProcesses, type ProcessSeen } from '../nodes/processes.ts';
import { terminate } from '../nodes/restart.ts';
import type { Context } from './context.ts';

/** A kubelet's own default between TERM and KILL (terminationGracePeriodSeconds). Milliseconds. */
const GRACE = 30_000;
/** Until its containers run and are ready again. A container that was restarted before waits ten seconds. */
const LIMIT = 120_000;

/** Restarts it and waits until the API shows every container running and ready; gives the seconds from the end of the old processes. */
export async function restartStaticPod(ctx: Context, pod: Pod): Promise<number> {
  const access = ctx.accessOf(pod.node);
  const before = await mainProcesses(access, pod);
  if (before.length === 0) {
    throw new RerootError(EXIT.failedSafe, `${pod.id} does not run on ${pod.node}, so it cannot be restarted`, {
      hints: ['see why (kubectl describe), mend or remove it, then run the same command again'],
    });
  }
  const ended = await endAll(ctx, access, pod, before);
  await until(ctx, `${pod.id} did not start again`, LIMIT, async () => (await mainProcesses(access, pod)).length > 0);
  await until(ctx, `${pod.id} is not ready`, LIMIT, () => isReady(ctx.cluster, pod, ended));
  return Math.round(ctx.now() - ended) / 1000;
}

/** The first process of each of its containers, but not the sandbox's. */
async function mainProcesses(access: NodeAccess, { staticHash }: Pod): Promise<ProcessSeen[]> {
  const own = (await listProcesses(access)).filter(({ cgroup }) => staticHash && cgroup.includes(`pod${staticHash}`));
  const pids = new Set(own.map(({ pid }) => pid));
  return own.filter(({ ppid, argv }) => !pids.has(ppid) && !/(^|\/)pause$/.test(argv[0] ?? ''));
}

async function endAll(ctx: Context, access: NodeAccess, pod: Pod, processes: readonly ProcessSeen[]): Promise<number> {
  for (const process of processes) await terminate(access, process);
  const isGone = async (): Promise<boolean> => {
    const now = await listProcesses(access);
    return !processes.some((one) =>
      now.some(({ pid, startTicks }) => pid === one.pid && startTicks === one.startTicks),
    );
  };
  const begun = ctx.now();
  while (!(await isGone())) {
    // The first process of a container gets no signal that it has not asked for, but this one.
    if (ctx.now() - begun > GRACE) {
      for (const process of processes) await terminate(access, process, 'KILL');
      await until(ctx, `${pod.id} did not stop`, GRACE, isGone);
    }
    await pause(200);
  }
  return ctx.now();
}

interface PodStatus extends KubeObject {
  status?: { containerStatuses?: { ready?: boolean; state?: { running?: { startedAt?: string } } }[] };
}

/** The mirror trails behind: what it says of containers from before the end counts for nothing. Its times are whole seconds. */
async function isReady(cluster: Cluster, { namespace, name }: Pod, ended: number): Promise<boolean> {
  const seen = await cluster.get<PodStatus>(`/api/v1/namespaces/${namespace}/pods/${name}`);
  const containers = seen.status?.containerStatuses ?? [];
  return (
    containers.length > 0 &&
    containers.every(({ ready, state }) => ready && Date.parse(state?.running?.startedAt ?? '') >= ended - 1_000)
  );
}

async function until(ctx: Context, what: string, limit: number, look: () => Promise<boolean>): Promise<void> {
  const begun = ctx.now();
  while (!(await look())) {
    if (ctx.now() - begun > limit) {
      throw new RerootError(EXIT.failedSafe, `${what} after ${limit / 1000} s`, {
        hints: [
          'look at its log: kubectl logs, or crictl on its node',
          'when it runs again, run the same command to go on',
        ],
      });
    }
    await pause(500);
  }
}
