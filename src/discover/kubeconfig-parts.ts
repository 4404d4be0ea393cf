// A kubeconfig on a node or in an object, as the two stores it is: the CA it trusts and the client certificate it presents.
// Only the current context counts, as for a component that is given the file (client-go tools/clientcmd).

import { posix } from 'node:path';
import { parse } from 'yaml';

/** Material embedded as data, or named as a file (absolute path). Data goes before the file, as in client-go. */
export type Part = { data: Buffer; file?: undefined } | { file: string; data?: undefined } | undefined;

export interface KubeconfigParts {
  server?: string;
  user?: string;
  ca: Part;
  client: Part;
  /** The private key; never kept beyond its public half. */
  key: Part;
  token: boolean;
}

interface Entry {
  name?: string;
  cluster?: Record<string, unknown> | null;
  user?: Record<string, unknown> | null;
  context?: { cluster?: string; user?: string } | null;
}
interface Document {
  kind?: string;
  'current-context'?: string;
  clusters?: Entry[] | null;
  users?: Entry[] | null;
  contexts?: Entry[] | null;
}

/** True for text that looks like a kubeconfig at all: other YAML in the same folders is left alone. */
export const looksLikeKubeconfig = (text: string): boolean =>
  /^["']?clusters["']?\s*:/m.test(text) || /"clusters"\s*:/.test(text);

/**
 * `path` is where the file is: paths in it are relative to its folder. Throws an Error in words for text that is no kubeconfig.
 * A file with no current context but one cluster (cluster-info) is read by that cluster.
 */
export function kubeconfigParts(text: string, path: string): KubeconfigParts {
  let document: Document | null;
  try {
    document = parse(text) as Document | null;
  } catch (thrown) {
    throw new Error(`not YAML: ${thrown instanceof Error ? thrown.message.split('\n')[0] : 'cannot be parsed'}`);
  }
  if (typeof document !== 'object' || document === null || !Array.isArray(document.clusters)) {
    throw new Error('not a kubeconfig: it has no list of clusters');
  }
  const context = chosenContext(document);
  const cluster = document.clusters.find((entry) => entry.name === context.cluster)?.cluster;
  if (!cluster)
    throw new Error(
      `the current context names the cluster ${JSON.stringify(context.cluster ?? '')}, which is not there`,
    );
  const user = document.users?.find((entry) => entry.name === context.user)?.user ?? {};
  const server = cluster.server;
  return {
    ...(typeof server === 'string' ? { server } : {}),
    ...(context.user ? { user: context.user } : {}),
    ca: partOf(cluster, 'certificate-authority', path),
    client: partOf(user, 'client-certificate', path),
    key: partOf(user, 'client-key', path),
    token: ['token', 'tokenFile', 'exec', 'auth-provider'].some(
      (name) => user[name] !== undefined && user[name] !== '',
    ),
  };
}

function chosenContext(document: Document): { cluster?: string; user?: string } {
  const current = document['current-context'];
  if (current) {
    const found = document.contexts?.find((entry) => entry.name === current)?.context;
    if (!found) throw new Error(`the current context ${JSON.stringify(current)} is not there`);
    return found;
  }
  const [only, more] = document.clusters ?? [];
  if (only && !more) return { cluster: only.name ?? '' };
  throw new Error('no current-context is set');
}

function partOf(holder: Record<string, unknown>, name: string, path: string): Part {
  const data = holder[`${name}-data`];
  if (typeof data === 'string' && data !== '') return { data: Buffer.from(data, 'base64') };
  const file = holder[name];
  return typeof file === 'string' && file !== '' ? { file: posix.resolve(posix.dirname(path), file) } : undefined;
}
