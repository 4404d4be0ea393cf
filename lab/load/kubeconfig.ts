// The little of a kubeconfig that the load's clients need. Not shared with the product on purpose: the load judges it.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** Everything a client needs to reach a server. `key` and `token` are secret. */
export interface Access {
  server: string;
  ca: string;
  cert?: string;
  key?: string;
  token?: string;
}

const cluster = z.object({
  server: z.string(),
  'certificate-authority-data': z.string().optional(),
  'certificate-authority': z.string().optional(),
});
const user = z.object({
  'client-certificate-data': z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-key-data': z.string().optional(),
  'client-key': z.string().optional(),
  token: z.string().optional(),
});
const kubeconfig = z.object({
  'current-context': z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(z.object({ name: z.string(), cluster })),
  users: z.array(z.object({ name: z.string(), user })),
});

/** The access of the current context. `file` is where the text came from; relative paths in it start from its folder. */
export function accessOf(text: string, file: string): Access {
  const parsed = kubeconfig.parse(parse(text));
  const named = <T extends { name: string }>(list: T[], name: string, what: string): T => {
    const found = list.find((entry) => entry.name === name);
    if (!found) throw new Error(`${file}: no ${what} named "${name}"`);
    return found;
  };
  const { context } = named(parsed.contexts, parsed['current-context'], 'context');
  const { cluster } = named(parsed.clusters, context.cluster, 'cluster');
  const { user } = named(parsed.users, context.user, 'user');
  const pem = (data: string | undefined, path: string | undefined): string | undefined => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return path === undefined ? undefined : readFileSync(resolve(dirname(file), path), 'utf8');
  };
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
  if (ca === undefined) throw new Error(`${file}: no certificate authority for cluster "${context.cluster}"`);
  const cert = pem(user['client-certificate-data'], user['client-certificate']);
  const key = pem(user['client-key-data'], user['client-key']);
  return {
    server: cluster.server,
    ca,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(user.token === undefined ? {} : { token: user.token }),
  };
}

export const readAccess = (file: string): Access => accessOf(readFileSync(file, 'utf8'), file);
