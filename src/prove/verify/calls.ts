// Calls made for real, through each API server: aggregated APIs and kubelets. Nothing is changed by them.

import pLimit from 'p-limit';
import type { Cluster, KubeObject } from '../../cluster/client.ts';
import { listReduced } from '../../discover/paged.ts';
import { reasonOf } from '../../errors.ts';
import { type Check, check, type VerifyContext } from './check.ts';

const PATIENCE = 10_000;
const limit = pLimit(8);
/** Kubelets that are called through each API server: one is proof for the API server's certificate, all would take long on a large cluster. */
const KUBELETS = 50;

interface Server {
  id: string;
  cluster: Cluster;
}

export async function callChecks(ctx: VerifyContext): Promise<Check[]> {
  const servers = ctx.inventory.instances
    .filter(({ component, endpoint }) => component === 'kube-apiserver' && endpoint)
    .map(({ id, endpoint }): Server => ({ id, cluster: ctx.cluster.at(`https://${endpoint}`) }));
  const [aggregated, kubelets] = await Promise.all([aggregatedChecks(ctx, servers), kubeletChecks(ctx, servers)]);
  return [...aggregated, ...kubelets];
}

interface ApiService extends KubeObject {
  spec: { group?: string; version?: string; service?: unknown };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

async function aggregatedChecks(ctx: VerifyContext, servers: readonly Server[]): Promise<Check[]> {
  const services = await listReduced<ApiService, ApiService>(
    ctx.cluster,
    '/apis/apiregistration.k8s.io/v1/apiservices',
    (one) => (one.spec.service ? one : undefined),
  );
  const checks = services.map(async (service): Promise<Check[]> => {
    const id = `apiservice/${service.metadata.name}`;
    const available = service.status?.conditions?.find(({ type }) => type === 'Available');
    const condition = check(
      'call',
      id,
      available?.status === 'True',
      `Available is ${available?.status ?? 'not set'}${available?.status === 'True' ? '' : `: ${available?.message ?? ''}`}`,
    );
    const path = `/apis/${service.spec.group}/${service.spec.version}`;
    const calls = servers.map((server) =>
      limit(() => call('call', `${server.id} -> ${id}`, server.cluster, path, [200])),
    );
    return [condition, ...(await Promise.all(calls))];
  });
  return (await Promise.all(checks)).flat();
}

/** What an API server says when a connection of its own was taken from under a request: by a new client certificate (trap 26) or by a restart of the other side. */
const CUT = /use of closed network connection|connection reset by peer|http2: client connection|unexpected EOF|: EOF$/;

async function call(
  kind: string,
  channel: string,
  cluster: Cluster,
  path: string,
  good: readonly number[],
): Promise<Check> {
  const ask = () => cluster.request('GET', path, { retryFor: 0, timeout: PATIENCE });
  try {
    const first = await ask();
    // That says nothing of the channel's certificates; on a new connection the second answer does.
    const cut = first.status >= 500 && CUT.test(wordsOf(first.body));
    const { status, body } = cut ? await ask() : first;
    const ok = good.includes(status);
    if (cut && ok) {
      return check(kind, channel, true, `GET ${path} answered ${status}, on a new connection: ${wordsOf(first.body)}`);
    }
    return check(kind, channel, ok, `GET ${path} answered ${status}${ok ? '' : `: ${wordsOf(body)}`}`);
  } catch (thrown) {
    return check(kind, channel, false, `GET ${path}: ${reasonOf(thrown)}`);
  }
}

/** The message of a Status, or the beginning of whatever else it is. */
function wordsOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: string };
    if (message !== undefined) return message;
  } catch {
    // Not a Status.
  }
  return body.trim().slice(0, 200);
}

// ---- kubelets ----

async function kubeletChecks(ctx: VerifyContext, servers: readonly Server[]): Promise<Check[]> {
  const kubelets = ctx.inventory.instances.filter(({ component }) => component === 'kubelet');
  const some = kubelets.slice(0, KUBELETS);
  const checks = servers.flatMap((server) =>
    some.map((kubelet) => limit(() => throughKubelet(ctx, server, kubelet.node))),
  );
  const left = kubelets.length - some.length;
  const note =
    left > 0 ? [check('kubelet', `${left} more kubelets`, undefined, `not called: the first ${KUBELETS} were`)] : [];
  return [...(await Promise.all(checks)), ...note];
}

/** The node proxy is the plainest way; where it is refused (loopback addresses, a policy), the log of a pod there goes the same way. */
async function throughKubelet(ctx: VerifyContext, server: Server, node: string): Promise<Check> {
  const channel = `${server.id} -> ${node}/kubelet`;
  const proxied = await call('kubelet', channel, server.cluster, `/api/v1/nodes/${node}/proxy/healthz`, [200]);
  if (proxied.ok || !/answered (400|403)|not allowed|forbidden/i.test(proxied.message)) return proxied;
  const pod = ctx.inventory.pods.find((one) => one.node === node);
  if (!pod)
    return check(
      'kubelet',
      channel,
      undefined,
      `the node proxy is refused, and no pod runs there whose log could be read: ${proxied.message}`,
    );
  return call(
    'kubelet',
    channel,
    server.cluster,
    `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log?tailLines=1`,
    [200],
  );
}
