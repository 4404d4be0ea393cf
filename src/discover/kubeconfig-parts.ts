// A kubeconfig as the two stores it is: the CA it trusts and the client certificate it presents. Only the current context counts, as for a
// component that is given the file (client-go tools/clientcmd).

import { posix } from 'node:path';
import { type Embedded, readKubeconfig } from '../stores/kubeconfig-file.ts';

/** Material embedded as PEM, or named as a file (absolute path). */
export type Part = { pem: string; file?: undefined } | { file: string; pem?: undefined } | undefined;

export interface KubeconfigParts {
  server?: string;
  serverName?: string;
  proxy?: string;
  user?: string;
  ca: Part;
  client: Part;
  /** The private key; never kept beyond its public half. */
  key: Part;
}

/** True for text that looks like a kubeconfig at all: other YAML in the same folders is left alone. */
export const looksLikeKubeconfig = (text: string): boolean =>
  /^["']?clusters["']?\s*:/m.test(text) || /"clusters"\s*:/.test(text);

/** `path` is where the text is: paths in it are relative to its folder. Throws RerootError for text that is no kubeconfig. */
export function kubeconfigParts(text: string, path: string): KubeconfigParts {
  const seen = readKubeconfig(text, path);
  return {
    ...(seen.server === undefined ? {} : { server: seen.server }),
    ...(seen.serverName === undefined ? {} : { serverName: seen.serverName }),
    ...(seen.proxy === undefined ? {} : { proxy: seen.proxy }),
    ...(seen.user === undefined ? {} : { user: seen.user }),
    ca: partOf(seen.ca, path),
    client: partOf(seen.client, path),
    key: partOf(seen.key, path),
  };
}

function partOf(embedded: Embedded | undefined, path: string): Part {
  if (embedded?.pem !== undefined) return { pem: embedded.pem };
  return embedded?.path === undefined ? undefined : { file: posix.resolve(posix.dirname(path), embedded.path) };
}
