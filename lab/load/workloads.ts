// Makes what the load works on, and takes it away again. Both can be run twice, and after each other at any moment.

import { z } from 'zod';
import type { Api, KubeObject } from './api.ts';
import { logPod, NAMESPACE, namespaces, page, role, roleBinding, serviceAccount } from './objects.ts';
import { PODS } from './pods.ts';
import { isTrue, waitFor } from './wait.ts';

const core = (namespace: string, resource: string): string => `/api/v1/namespaces/${namespace}/${resource}`;
const rbac = (resource: string): string => `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/${resource}`;

const named = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });
const phased = z.object({ status: z.object({ phase: z.string().optional() }).optional() });

/** Namespaces, the page that is read, who may read it, and a pod on each node for its log. Returns the nodes' names. */
export async function makeWorkloads(api: Api): Promise<string[]> {
  await makeLoadObjects(api);
  const nodes = named.parse(await api.get('/api/v1/nodes')).items.map((node) => node.metadata.name);
  for (const node of nodes) await makeLogPod(api, node);
  return nodes;
}

/** What labs of both kinds have of it. */
export async function makeLoadObjects(api: Api): Promise<void> {
  for (const namespace of namespaces) await makeNamespace(api, namespace);
  await api.ensure(core(NAMESPACE, 'configmaps'), page);
  await api.ensure(core(NAMESPACE, 'serviceaccounts'), serviceAccount);
  await api.ensure(rbac('roles'), role);
  await api.ensure(rbac('rolebindings'), roleBinding);
}

/** A namespace is usable once the controller manager has filled it: pods need both objects. */
export async function makeNamespace(api: Api, namespace: KubeObject): Promise<void> {
  const { name } = namespace.metadata;
  await waitFor(`namespace ${name} of an earlier load gone`, 90_000, async () => {
    const found = await api.get(`/api/v1/namespaces/${name}`);
    return isTrue(found === undefined || phased.parse(found).status?.phase !== 'Terminating');
  });
  await api.ensure('/api/v1/namespaces', namespace);
  for (const path of ['serviceaccounts/default', 'configmaps/kube-root-ca.crt']) {
    await waitFor(`${path} in namespace ${name}`, 60_000, () => api.get(core(name, path)));
  }
}

async function makeLogPod(api: Api, node: string): Promise<void> {
  const wanted = logPod(node);
  if ((await api.get(`${PODS}/${wanted.metadata.name}`)) === undefined) await api.create(PODS, wanted);
}

/** Removes both namespaces with all that is in them, and waits until they are gone. */
export async function removeWorkloads(api: Api, timeoutMs = 60_000): Promise<void> {
  const paths = namespaces.map((namespace) => `/api/v1/namespaces/${namespace.metadata.name}`);
  for (const path of paths) await api.remove(path);
  for (const path of paths) {
    await waitFor(`${path} gone`, timeoutMs, async () => isTrue((await api.get(path)) === undefined), { everyMs: 250 });
  }
}
