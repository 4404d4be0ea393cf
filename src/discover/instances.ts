// Processes, manifests and configuration files of one node as component instances.

import { posix } from 'node:path';
import type { Config } from '../config/config.ts';
import { factsOf } from '../core/catalog/components.ts';
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
  const nodeConfig = config.nodes[access.node];
  const processes = componentProcesses(table, access.node, config);
  const kubelet = processes.find(({ line }) => line.name === 'kubelet');
  const configuration = kubelet ? await readConfiguration(access, kubelet.line.flags) : NOTHING;
  const staticPods = configuration.settings.staticPodPath ?? (kubelet && flag(kubelet.line.flags, 'pod-manifest-path'));
  const configured = Object.entries(nodeConfig?.components ?? {});
  const manifests = await findManifests(access, {
    staticPods: staticPods?.startsWith('/') ? [staticPods] : [],
    others: [...new Set(configured.flatMap(([, component]) => component.paths))],
    components: [...new Set([...configured.map(([name]) => name), ...processes.map(({ line }) => line.name)])],
  });
  const running = processes.map((one) =>
    instanceOf(one, { ...context, manifests, configuration: one === kubelet ? configuration : NOTHING }),
  );
  const stopped = manifests
    .filter(({ component }) => factsOf(component).component === component)
    .filter(({ component }) => !running.some((instance) => instance.component === component))
    .map((manifest) => stoppedInstance(manifest, context));
  return addKubeconfigSettings(access, [...running, ...stopped]);
}

const NOTHING: ConfigurationSeen = { settings: {}, faults: [] };

interface Around extends InstanceContext {
  manifests: readonly ManifestSeen[];
  configuration: ConfigurationSeen;
}

function instanceOf({ process, line }: ComponentProcess, around: Around): Instance {
  const { access, config, manifests, configuration, address } = around;
  const manifest = manifests.find(({ component }) => component === line.name);
  const command = config.nodes[access.node]?.components[line.name]?.restart;
  // Each instance's own: what its kubeconfigs name is noted among them.
  const settings = { ...configuration.settings };
  const endpoint = endpointOf({ component: line.name, flags: line.flags, settings }, address);
  return {
    id: `${access.node}/${line.name}`,
    node: access.node,
    component: line.name,
    pid: process.pid,
    startedAt: process.startedAt,
    flags: line.flags,
    settings,
    ...(configuration.faults.length > 0 ? { faults: configuration.faults } : {}),
    management: managementOf({ command, manifest: manifest?.path, cgroup: process.cgroup }),
    ...(manifest === undefined ? {} : { nextFlags: manifest.flags }),
    ...(manifest?.version === undefined ? {} : { version: manifest.version }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

/** A component that has a manifest and no process: crashed, or between two runs. Its next start is all that is known of it. */
function stoppedInstance(manifest: ManifestSeen, { access, config }: InstanceContext): Instance {
  const command = config.nodes[access.node]?.components[manifest.component]?.restart;
  return {
    id: `${access.node}/${manifest.component}`,
    node: access.node,
    component: manifest.component,
    flags: manifest.flags,
    nextFlags: manifest.flags,
    settings: {},
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
      const path = flag(instance.flags, fact.flag);
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
