// Clients of a kubeconfig: one that read it once and one that re-reads it for each request.

import { readFileSync } from 'node:fs';
import { type Client, httpsClient, secureContext } from './https-client.ts';
import { type Access, accessOf } from './kubeconfig.ts';

export interface Keeping {
  /** One kept connection, requests one after another; else a new connection for each request. */
  keep: boolean;
  /** Another server than the file's: an API server itself instead of the load balancer. */
  server?: string;
}

/** What it trusts and presents stays as it is now. */
export const frozenClient = (access: Access, keeping: Keeping): Client => clientOf(access, keeping);

/** Reads the file at each request. A changed file means new connections; requests under way end on theirs. */
export function followingClient(file: string, keeping: Keeping): Client {
  let last: { text: string; client: Client } | undefined;
  const current = (): Client => {
    const text = readFileSync(file, 'utf8');
    if (last?.text === text) return last.client;
    const client = clientOf(accessOf(text, file), keeping);
    last?.client.close();
    last = { text, client };
    return client;
  };
  return {
    send: async (ask) => current().send(ask),
    stream: async (path, on, signal) => current().stream(path, on, signal),
    close: () => last?.client.close(),
  };
}

function clientOf(access: Access, { keep, server = access.server }: Keeping): Client {
  const context = secureContext(access);
  return httpsClient({ server, context: () => context, token: () => access.token, keep });
}
