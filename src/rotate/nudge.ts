// The first handshake after a swap of the API server's kubelet client certificate closes every connection of that transport, its own
// included (trap 26). So reroot makes it: a harmless request through each API server to each kubelet, until one goes through.

import { setTimeout as pause } from 'node:timers/promises';
import type { PartyId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import { reasonOf } from '../errors.ts';
import type { Context } from './context.ts';

/** Requests through one pair of API server and kubelet: the first may be cut, and the file is re-read once a second at most. */
const TRIES = 4;

/**
 * Milliseconds after which a handshake surely takes the new file: it is re-read once a second at most (C:transport/cert_rotation.go), and
 * start times that are held against it later are known to about a second.
 */
const TAKEN_UP = 3_500;

export async function nudge(ctx: Context, step: Step, parties: readonly PartyId[]): Promise<void> {
  const begun = ctx.now();
  const servers = ctx.inventory.instances.filter(
    ({ id, component }) => component === 'kube-apiserver' && (parties.length === 0 || parties.includes(id)),
  );
  const kubelets = ctx.inventory.instances.filter(({ component }) => component === 'kubelet');
  for (const server of servers) {
    if (!server.endpoint) continue;
    for (const kubelet of kubelets) {
      const cut = await through(ctx, server.endpoint, kubelet.node);
      if (cut === undefined) continue;
      ctx.emit({
        type: 'warning',
        step: step.id,
        party: server.id,
        channel: `${server.id} -> ${kubelet.id}`,
        message: cut,
      });
    }
  }
  await untilTakenUp(ctx, step, begun);
}

/** A kubelet that restarts sooner could be met with the old certificate once more, and that connection is then kept for minutes. */
async function untilTakenUp(ctx: Context, step: Step, begun: number): Promise<void> {
  const left = begun + TAKEN_UP - ctx.now();
  if (left <= 0) return;
  const message = `API servers read the new certificate within a second; waits ${Math.round(left / 100) / 10} s for it`;
  ctx.emit({ type: 'wait', step: step.id, message, data: { seconds: left / 1000 } });
  await pause(left);
}

/** undefined when a request got an answer from the kubelet; else why the last one did not. */
async function through(ctx: Context, endpoint: string, node: string): Promise<string | undefined> {
  const path = pathFor(ctx, node);
  if (!path) return undefined;
  let why: string | undefined;
  for (let turn = 0; turn < TRIES; turn += 1) {
    why = await ctx.cluster
      .at(`https://${endpoint}`)
      .request('GET', path)
      .then(() => undefined)
      .catch((thrown: unknown) => reasonOf(thrown));
    if (why === undefined) return undefined;
  }
  return why;
}

/** A line of a pod's log: the only request to a kubelet that needs no right over nodes. */
function pathFor(ctx: Context, node: string): string | undefined {
  const pod = ctx.inventory.pods.find((candidate) => candidate.node === node);
  return pod && `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log?tailLines=1&limitBytes=64`;
}
