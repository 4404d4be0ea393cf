// A component's own configuration file (KubeletConfiguration, KubeSchedulerConfiguration, KubeProxyConfiguration) as flat settings.

import { parseAllDocuments } from 'yaml';
import { factsOf } from '../core/catalog/components.ts';
import type { Instance } from '../core/model/inventory.ts';
import { reasonOf } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { findFiles, readFiles } from '../nodes/files.ts';
import { flag } from './argv.ts';

export type ConfigurationSeen = Required<Pick<Instance, 'settings' | 'faults'>>;

/**
 * The file that the flags name, and the kubelet's drop-ins in its own order (K:cmd/kubelet/app/server.go mergeKubeletConfigurations). What cannot be
 * read or understood is a fault: the component runs with something that is not known. Nothing for a component that has flags alone.
 */
export async function readConfiguration(
  access: NodeAccess,
  component: string,
  flags: Instance['flags'],
): Promise<ConfigurationSeen> {
  const settings: Record<string, string> = {};
  const faults: ConfigurationSeen['faults'] = [];
  const absolute = (name: string | undefined): string[] => {
    const path = name === undefined ? undefined : flag(flags, name);
    if (!path) return [];
    if (path.startsWith('/')) return [path];
    faults.push({ path, fault: `--${name} is not an absolute path, and below which folder it is read is not known` });
    return [];
  };
  const { configuration } = factsOf(component);
  const files = absolute(configuration?.flag);
  const paths = [...files, ...(await findFiles(access, absolute(configuration?.dropIns), ['*.conf']))];
  const seen = await readFiles(access, paths);
  for (const path of paths) {
    const file = seen.get(path);
    try {
      if (!file?.bytes) throw new Error(file?.fault ?? 'it was not read');
      Object.assign(settings, flattenSettings(file.bytes.toString('utf8')));
    } catch (thrown) {
      faults.push({ path, fault: reasonOf(thrown) });
    }
  }
  return { settings, faults };
}

/**
 * Leaves of the document by dotted path: `{'authentication.x509.clientCAFile': '/etc/kubernetes/pki/ca.crt'}`. Lists are left out:
 * nothing about certificates is in one. Throws on text that is no YAML mapping.
 * Of a key that is given twice the last one counts: the kubelet decodes strictly first and then leniently (K:pkg/kubelet/kubeletconfig/util/codec/codec.go
 * DecodeKubeletConfiguration). Of several documents only the first is read (sigs.k8s.io/yaml goyaml.v2 unmarshal).
 */
export function flattenSettings(text: string): Record<string, string> {
  const [document] = parseAllDocuments(text, { uniqueKeys: false });
  const broken = document?.errors[0];
  if (broken) throw new Error(`it is not YAML: ${broken.message.split('\n')[0]?.replace(/:$/, '')}`);
  const root: unknown = document?.toJS();
  if (!isMapping(root)) throw new Error('it is not a YAML mapping');
  const settings: Record<string, string> = {};
  const walk = (value: unknown, path: string): void => {
    if (isMapping(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else if (value !== null && value !== undefined && !Array.isArray(value)) settings[path] = String(value);
  };
  walk(root, '');
  return settings;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
