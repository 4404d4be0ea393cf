// A fresh handshake with the server of each kubeconfig that a component uses, from the node on which it is used: a name may mean another place
// there, and 127.0.0.1 does.

import pLimit from 'p-limit';
import { type Dial, directly, servedChain } from '../cluster/wire.ts';
import { type Caller, keyOf, type Place } from '../core/catalog/fronts.ts';
import type { NodeName } from '../core/model/ids.ts';
import type { Front } from '../core/model/inventory.ts';
import { reasonOf } from '../errors.ts';
import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { isLoopback } from './endpoints.ts';

/** Milliseconds for one handshake. */
const PATIENCE = 5_000;
const limit = pLimit(16);

export interface FrontSeen extends Omit<Front, 'served'> {
  served?: Certificate[];
}

/** One look for each node and server. What cannot be met is told, with the reason. */
export async function lookAtFronts(
  callers: readonly (Place & Pick<Caller, 'proxy'>)[],
  dial: Dial = directly,
): Promise<FrontSeen[]> {
  const places = new Map(callers.map((caller) => [keyOf(caller), caller]));
  return Promise.all(
    [...places.values()].map(({ node, server, serverName, proxy }) =>
      limit(async (): Promise<FrontSeen> => {
        const place: Place = { node, server, ...(serverName === undefined ? {} : { serverName }) };
        // From the node without the proxy it may be another server, or none.
        if (proxy !== undefined)
          return { ...place, why: `it lies behind the proxy ${proxy}, and reroot speaks to no proxy` };
        try {
          return { ...place, served: await chainAt(place, dial) };
        } catch (thrown) {
          return { ...place, why: reasonOf(thrown) };
        }
      }),
    ),
  );
}

/** Through the node; where that cannot be (its sshd forwards nothing, there is no tool to connect with) from here, but never to a loopback address of here. */
async function chainAt({ node, server, serverName }: Place, dial: Dial): Promise<Certificate[]> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const from = async (at: { node?: NodeName; through?: boolean }): Promise<Certificate[]> => {
    const { chain } = await servedChain(host, Number(port || 443), {
      timeout: PATIENCE,
      dial,
      at,
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    return chain.map((der) => readCertificate(der));
  };
  try {
    return await from({ node, through: true });
  } catch (thrown) {
    if (isLoopback(host)) throw thrown;
    return from({}).catch(() => Promise.reject(thrown));
  }
}
