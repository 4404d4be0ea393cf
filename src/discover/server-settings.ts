// Files that an API server's own configuration files name: kubeconfigs of webhooks, CA files of token issuers and proxies. Nobody but their owner writes
// them; they are looked at as copies of a CA are.

import { posix } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Instance } from '../core/model/inventory.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { readFiles } from '../nodes/files.ts';
import { flag } from './argv.ts';

/** Flags whose file is configuration, not material (K:pkg/kubeapiserver/options, A:pkg/server/options admission.go, egress_selector.go, tracing.go). */
const FLAGS = [
  'authentication-config',
  'authorization-config',
  'admission-control-config-file',
  'egress-selector-config-file',
  'tracing-config-file',
];
/** An admission configuration names one file for each plugin, and that one a kubeconfig. */
const LEVELS = 3;
const MANY = 100;

/** Absolute paths of the configuration files and of what they name, as far as they are files; [] where an API server has none. */
export async function namedInSettings(access: NodeAccess, instances: readonly Instance[]): Promise<string[]> {
  const servers = instances.filter(({ component }) => component === 'kube-apiserver');
  const found = new Set<string>();
  let next = servers.flatMap(({ flags }) => FLAGS.flatMap((name) => flag(flags, name) ?? [])).filter(posix.isAbsolute);
  for (let level = 0; level < LEVELS && next.length > 0; level += 1) {
    const fresh = [...new Set(next)].filter((path) => !found.has(path)).slice(0, MANY);
    const seen = await readFiles(access, fresh);
    const files = [...seen.values()].flatMap((file) => (file.kind === 'file' ? [file] : []));
    for (const { path } of files) found.add(path);
    next = files.flatMap(({ path, bytes }) => pathsIn(bytes.toString('utf8'), posix.dirname(path)));
  }
  return [...found];
}

/** What a configuration file's text names, by keys such as `kubeConfigFile`, `caBundle`, `path`. Relative paths are below its folder. */
export function pathsIn(text: string, folder: string): string[] {
  const found: string[] = [];
  const walk = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      const isPath = value.startsWith('/') || /(?:path|file|bundle|cert|key)$/i.test(key);
      if (isPath && value !== '' && !/[\s:]/.test(value)) found.push(posix.resolve(folder, value));
    } else if (value && typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) walk(inner, Array.isArray(value) ? key : name);
    }
  };
  try {
    for (const document of parseAllDocuments(text)) walk(document.toJS(), '');
  } catch {
    // No YAML: a certificate, a key, or text that the API server would not have started with.
  }
  return found;
}
