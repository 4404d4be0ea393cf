// The first handshake after a swap of the API server's kubelet client certificate closes every connection of that transport, its own
// included (trap 26). So reroot makes it: a harmless request through each API server to each kubelet, until one goes through.

import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, KubeObject, ObjectMeta } from '../cluster/client.ts';
import type { PartyId } from '../core/model/ids.ts';
import type { Step } from '../core/model/step.ts';
import { reasonOf } from '../errors.ts';
import type { Context } from './context.ts';

/** Requests through one pair of API server and kubelet: the first may be cut, and the file is re-read once a second at most. */
const TRIES = 4;
/** Pods that are tried where one is gone by now. */
const PODS = 3;
/** Milliseconds for one request. */
const PATIENCE = 5_000;

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
  const logs = new Map<string, string[]>();
  for (const { node } of kubelets) logs.set(node, await logsOn(ctx, node));
  for (const server of servers) {
    if (!server.endpoint) continue;
    for (const kubelet of kubelets) {
      const cut = await through(ctx, server.endpoint, logs.get(kubelet.node) ?? []);
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

/** Milliseconds in which a kubelet that serves should have learned of its pods from the API. */
const LEARNS = 20_000;
/** What an API server makes of a kubelet's 404: it serves, and does not know its pods yet (K:pkg/kubelet/server, getContainerLogs). */
const KNOWS_NO_POD = /could not find the requested resource/;

/**
 * The first requests of each API server to a kubelet that has just restarted: on a connection that was kept one would fail, and it is better that ours
 * does; and until the kubelet has heard of its pods again it has no log and no exec of them. Comes back when it has, so that the next one goes only then.
 * What is not answered is left: the kubelet is ready, and whoever is next makes a new connection.
 */
export async function greet(ctx: Context, node: string): Promise<void> {
  const servers = ctx.inventory.instances.filter(({ component }) => component === 'kube-apiserver');
  const until = ctx.now() + LEARNS;
  const paths = await logsOn(ctx, node);
  await Promise.all(servers.map(({ endpoint }) => endpoint && through(ctx, endpoint, paths, until)));
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
async function through(
  ctx: Context,
  endpoint: string,
  paths: readonly string[],
  until = 0,
): Promise<string | undefined> {
  const server = ctx.cluster.at(`https://${endpoint}`);
  let why: string | undefined;
  for (const path of paths) {
    for (let turn = 0; turn < TRIES; turn += 1) {
      let answer = await ask(server, path);
      while (answer.status === 404 && KNOWS_NO_POD.test(answer.body) && ctx.now() < until) {
        await pause(200);
        answer = await ask(server, path);
      }
      const { status } = answer;
      if (status === 200) return undefined;
      why = typeof status === 'string' ? status : `GET ${path} answered ${status}`;
      // Gone since it was seen, or no right to read it: nobody has asked the kubelet then.
      if (status === 404 || status === 403 || status === 400) break;
    }
  }
  return why;
}

const ask = (server: Cluster, path: string): Promise<{ status: number | string; body: string }> =>
  server
    .request('GET', path, { retryFor: 0, timeout: PATIENCE })
    .catch((thrown: unknown) => ({ status: reasonOf(thrown), body: '' }));

interface PodObject extends KubeObject {
  metadata: ObjectMeta & { namespace: string; ownerReferences?: { kind: string }[] };
}

/** Paths of logs of pods that are on a node now, those first that stay there. A log is the only request to a kubelet that needs no right over nodes. */
async function logsOn(ctx: Context, node: string): Promise<string[]> {
  const options = { fieldSelector: `spec.nodeName=${node}`, metadataOnly: true };
  const pods = await ctx.cluster.list<PodObject>('/api/v1/pods', options);
  const stays = ['Node', 'DaemonSet'];
  const rank = ({ metadata }: PodObject): number => {
    const at = stays.indexOf(metadata.ownerReferences?.[0]?.kind ?? '');
    return at < 0 ? stays.length : at;
  };
  return [...pods]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, PODS)
    .map(
      ({ metadata }) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/log?tailLines=1&limitBytes=64`,
    );
}
