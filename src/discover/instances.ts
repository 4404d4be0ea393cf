// Processes, manifests and configuration files of one node as component instances.

import { posix } from 'node:path';
import type { Config } from '../config/config.ts';
import { factsOf } from '../core/catalog/components.ts';
import { kubeconfigPath } from '../core/catalog/stores-of.ts';
import type { Instance } from '../core/model/inventory.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { readFiles } from '../nodes/files.ts';
import type { ProcessSeen } from '../nodes/processes.ts';
import { flag } from './argv.ts';
import { type ConfigurationSeen, readConfiguration } from './configuration.ts';
import { endpointOf } from './endpoints.ts';
import { kubeconfigParts } from './kubeconfig-parts.ts';
import { managementOf } from './management.ts';
import { findManifests, type ManifestSeen } from './manifests.ts';
import { type ComponentProcess, componentProcesses } from './processes.ts';

export interface InstanceContext {
  access: NodeAccess;
  config: Config;
  /** The node's InternalIP, or the host in reroot.yaml. */
  address: string | undefined;
}

/** The instances of a node whose process table is given. */
export async function findInstances(table: readonly ProcessSeen[], context: InstanceContext): Promise<Instance[]> {
  const { access, config } = context;
  const processes = componentProcesses(table, access.node, config);
  const running = await Promise.all(processes.map((one) => configured(access, one)));
  const kubelet = running.find(({ line }) => line.name === 'kubelet');
  const staticPods = kubelet?.settings.staticPodPath ?? (kubelet && flag(kubelet.line.flags, 'pod-manifest-path'));
  const named = Object.entries(config.nodes[access.node]?.components ?? {});
  const manifests = await findManifests(access, {
    staticPods: staticPods?.startsWith('/') ? [staticPods] : [],
    others: [...new Set(named.flatMap(([, component]) => component.paths))],
    components: [...new Set([...named.map(([name]) => name), ...processes.map(({ line }) => line.name)])],
  });
  const stopped = manifests
    .filter(({ component }) => factsOf(component).component === component)
    .filter(({ component }) => !running.some(({ line }) => line.name === component));
  return addKubeconfigSettings(access, [
    ...running.map((one) => instanceOf(one, { ...context, manifests })),
    ...(await Promise.all(stopped.map((manifest) => stoppedInstance(manifest, context)))),
  ]);
}

type Running = ComponentProcess & ConfigurationSeen;

async function configured(access: NodeAccess, one: ComponentProcess): Promise<Running> {
  return { ...one, ...(await readConfiguration(access, one.line.name, one.line.flags)) };
}

const faultsOf = (faults: ConfigurationSeen['faults']): Pick<Instance, 'faults'> =>
  faults.length > 0 ? { faults } : {};

interface Around extends InstanceContext {
  manifests: readonly ManifestSeen[];
}

function instanceOf({ process, line, settings, faults }: Running, around: Around): Instance {
  const { access, config, manifests, address } = around;
  const manifest = manifests.find(({ component }) => component === line.name);
  const command = config.nodes[access.node]?.components[line.name]?.restart;
  const endpoint = endpointOf({ component: line.name, flags: line.flags, settings }, address);
  return {
    id: `${access.node}/${line.name}`,
    node: access.node,
    component: line.name,
    pid: process.pid,
    startedAt: process.startedAt,
    flags: line.flags,
    settings,
    ...faultsOf(faults),
    management: managementOf({ command, manifest: manifest?.path, cgroup: process.cgroup }),
    ...(manifest === undefined ? {} : { nextFlags: manifest.flags }),
    ...(manifest?.version === undefined ? {} : { version: manifest.version }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

/** A component that has a manifest and no process: crashed, or between two runs. Its next start is all that is known of it. */
async function stoppedInstance(manifest: ManifestSeen, { access, config }: InstanceContext): Promise<Instance> {
  const { settings, faults } = await readConfiguration(access, manifest.component, manifest.flags);
  const command = config.nodes[access.node]?.components[manifest.component]?.restart;
  return {
    id: `${access.node}/${manifest.component}`,
    node: access.node,
    component: manifest.component,
    flags: manifest.flags,
    nextFlags: manifest.flags,
    settings,
    ...faultsOf(faults),
    management:
      command === undefined
        ? { by: 'static-pod', manifest: manifest.path }
        : { by: 'command', command, manifest: manifest.path },
    ...(manifest.version === undefined ? {} : { version: manifest.version }),
  };
}

/** Settings made from a kubeconfig, behind `FLAG.`: the files it names, and where it leads. */
const NAMED = { ca: 'certificate-authority', client: 'client-certificate', key: 'client-key' } as const;
const LEADS = { server: 'server', serverName: 'tls-server-name', proxy: 'proxy-url' } as const;

/**
 * Notes among the settings what the catalogue asks of kubeconfigs: the files that they name instead of embedding them, as `FLAG.client-certificate`, and
 * `FLAG.server`.
 */
async function addKubeconfigSettings(access: NodeAccess, instances: Instance[]): Promise<Instance[]> {
  const flagged = instances.flatMap((instance) =>
    factsOf(instance.component).kubeconfigs.flatMap((fact) => {
      const path = kubeconfigPath(instance, instance.flags, fact);
      return path?.startsWith('/') ? [{ instance, flag: fact.flag, path: posix.normalize(path) }] : [];
    }),
  );
  const seen = await readFiles(access, [...new Set(flagged.map(({ path }) => path))]);
  for (const { instance, flag: name, path } of flagged) {
    const bytes = seen.get(path)?.bytes;
    if (!bytes) continue;
    try {
      const parts = kubeconfigParts(bytes.toString('utf8'), path);
      for (const part of ['ca', 'client', 'key'] as const) {
        const file = parts[part]?.file;
        if (file !== undefined) instance.settings[`${name}.${NAMED[part]}`] = file;
      }
      for (const part of ['server', 'serverName', 'proxy'] as const) {
        const value = parts[part];
        if (value !== undefined) instance.settings[`${name}.${LEADS[part]}`] = value;
      }
    } catch {
      // Told as a fault of the store itself.
    }
  }
  return instances;
}
