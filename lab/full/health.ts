// Whether a full lab's cluster is whole: by the nodes' own components, and by what the cluster says of itself.

import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, connect, type KubeObject } from '../../src/cluster/client.ts';
import { blankHolder, leaseHolder } from '../../src/cluster/leader.ts';
import { failedSafe, reasonOf } from '../../src/errors.ts';
import { answers, type ComponentHealth } from '../processes/health.ts';
import type { LabNode } from '../state.ts';
import { firstOf, onNode } from './node.ts';
import { API_PORT, type FullPlace } from './place.ts';

const PLANE: Record<string, (address: string) => string> = {
  etcd: () => 'http://127.0.0.1:2381/readyz',
  'kube-apiserver': (address) => `https://${address}:${API_PORT}/readyz`,
  'kube-controller-manager': () => 'https://127.0.0.1:10257/healthz',
  'kube-scheduler': () => 'https://127.0.0.1:10259/readyz',
};
const EVERY: Record<string, (address: string) => string> = {
  kubelet: () => 'http://127.0.0.1:10248/healthz',
  'kube-proxy': () => 'http://127.0.0.1:10256/healthz',
};

/** Asks every component from its own node, and the load balancer from here. */
export async function fullHealthOf(place: FullPlace): Promise<ComponentHealth[]> {
  const nodes = await Promise.all(place.lab.nodes.map((node) => nodeHealth(place, node)));
  const endpoint = `${place.server}/readyz`;
  const balancer = { id: 'lb/lb', node: 'lb', component: 'lb', up: await answers(endpoint), endpoint };
  return [...nodes.flat(), balancer];
}

async function nodeHealth(place: FullPlace, node: LabNode): Promise<ComponentHealth[]> {
  const wanted = Object.entries(node.controlPlane ? { ...PLANE, ...EVERY } : EVERY).map(
    ([component, endpoint]) => [component, endpoint(node.address)] as const,
  );
  const codes = await askThere(
    place,
    node.name,
    wanted.map(([, endpoint]) => endpoint),
  );
  const first = firstOf(place, node.name);
  return [
    {
      id: `${node.name}/node`,
      node: node.name,
      component: 'node',
      ...(first === undefined ? {} : { pid: first }),
      up: first !== undefined,
      endpoint: node.address,
    },
    ...wanted.map(([component, endpoint], i) => ({
      id: `${node.name}/${component}`,
      node: node.name,
      component,
      up: codes[i] === '200',
      endpoint,
    })),
  ];
}

/** Status codes, in order; empty where nothing answers. One command for all. */
function askThere(place: FullPlace, node: string, urls: readonly string[]): Promise<string[]> {
  if (firstOf(place, node) === undefined) return Promise.resolve([]);
  const each = urls.flatMap((url) => ['-o', '/dev/null', url]);
  const [program = '', ...args] = [
    ...onNode(place, node),
    ...['curl', '-sk', '--noproxy', '*', '--max-time', '3', '-w', '%{http_code}\\n', ...each],
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve([]));
    child.on('close', () => resolve(out.split('\n')));
  });
}

interface Condition {
  type: string;
  status: string;
}
interface NodeObject extends KubeObject {
  status?: { conditions?: Condition[] };
}
interface Pod extends KubeObject {
  spec: { nodeName?: string };
  status?: {
    phase?: string;
    conditions?: Condition[];
    containerStatuses?: { ready: boolean; state: { running?: { startedAt: string } } }[];
  };
}
interface Lease extends KubeObject {
  spec?: { renewTime?: string };
}

/**
 * Waits until every node has reported and is ready, and all pods of kube-system run, CoreDNS among them. What the cluster knew before `since`
 * (milliseconds) does not count: after a stop it still says what was.
 */
export async function awaitReady(
  place: FullPlace,
  cluster: Cluster,
  since: number,
  patience: number,
  signal?: AbortSignal,
): Promise<void> {
  const until = Date.now() + patience;
  for (;;) {
    const missing = await notReady(place, cluster, since).catch((thrown: unknown) => [`the API: ${reasonOf(thrown)}`]);
    if (missing.length === 0) return;
    if (Date.now() > until)
      throw failedSafe(
        `not ready after ${patience / 1000} s: ${missing.join(', ')}`,
        undefined,
        `${place.bin}/kubectl --kubeconfig ${place.kubeconfig} get nodes,pods -A -o wide`,
      );
    await pause(500, undefined, signal ? { signal } : {});
  }
}

const isTrue = (conditions: Condition[] | undefined, type: string): boolean =>
  conditions?.some((one) => one.type === type && one.status === 'True') ?? false;

async function notReady(place: FullPlace, cluster: Cluster, since: number): Promise<string[]> {
  const options = { timeout: 5_000, retryFor: 0 };
  const [nodes, leases, pods] = await Promise.all([
    cluster.list<NodeObject>('/api/v1/nodes', options),
    cluster.list<Lease>('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', options),
    cluster.list<Pod>('/api/v1/namespaces/kube-system/pods', options),
  ]);
  // Leases are kept in seconds and parts of one, starts of containers in whole seconds.
  const sinceSecond = Math.floor(since / 1000) * 1000;
  const missing = place.lab.nodes
    .filter(({ name }) => {
      const lease = leases.find(({ metadata }) => metadata.name === name);
      const node = nodes.find(({ metadata }) => metadata.name === name);
      return !(Date.parse(lease?.spec?.renewTime ?? '') >= since && isTrue(node?.status?.conditions, 'Ready'));
    })
    .map(({ name }) => `node ${name}`);
  const waiting = pods.filter(
    ({ status }) =>
      !isTrue(status?.conditions, 'Ready') ||
      !status?.containerStatuses?.every(
        ({ ready, state }) => ready && Date.parse(state.running?.startedAt ?? '') >= sinceSecond,
      ),
  );
  const expected = place.planes.length * 4 + place.lab.nodes.length + 2;
  if (pods.length < expected) missing.push(`${expected - pods.length} pods of kube-system`);
  return [...missing, ...waiting.map(({ metadata }) => `pod ${metadata.name}`)];
}

const ELECTED = ['kube-controller-manager', 'kube-scheduler'];

/** After all instances were stopped at once: a Lease that names one of before would take its 15 seconds to run out, and it is surely gone. */
export async function freeOldLeases(cluster: Cluster, stoppedAt: number): Promise<void> {
  await Promise.all(
    ELECTED.map(async (component) => {
      const holder = await leaseHolder(cluster, component);
      if (holder && holder.renewedAt < stoppedAt) await blankHolder(cluster, component, holder.identity);
    }),
  );
}

/** Waits for the API, frees what instances of before hold, then waits for everything else. */
export async function awaitReturn(place: FullPlace, stoppedAt: number, patience: number): Promise<void> {
  const until = Date.now() + patience;
  while (!(await answers(`${place.server}/readyz`))) {
    if (Date.now() > until) throw failedSafe(`the API does not answer after ${patience / 1000} s: ${place.server}`);
    await pause(200);
  }
  const cluster = connect({ kubeconfig: place.kubeconfig });
  try {
    await freeOldLeases(cluster, stoppedAt);
    await awaitReady(place, cluster, stoppedAt, until - Date.now());
  } finally {
    await cluster.close();
  }
}
