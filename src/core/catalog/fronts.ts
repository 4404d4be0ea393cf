// What stands at the server of a kubeconfig: an API server, a load balancer that passes TLS on to one, or something that ends TLS itself with a
// certificate of its own, which no step of a rotation turns (trap 22).

import type { NodeName, PartyId } from '../model/ids.ts';
import type { CertFact, Front, Instance, Inventory, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import { some } from '../model/some.ts';
import { fileUses } from './stores-of.ts';
import { storeIdOf } from './survey.ts';
import { credentialOf, trustOf } from './value-of.ts';

/** An instance that calls the API by a kubeconfig. */
export interface Caller extends Place {
  party: PartyId;
  /** Host of `proxy-url`, through which the connection goes. */
  proxy?: string;
  /** What it trusts there. */
  store: Store;
}

/** The server of a kubeconfig as a node meets it. */
export interface Place {
  node: NodeName;
  /** As the kubeconfig has it: `https://lb.example:6443`. */
  server: string;
  /** `tls-server-name`: sent to it instead of its host. */
  serverName?: string;
}

/** Places with the same key are one look. */
export const keyOf = ({ node, server, serverName = '' }: Place): string => `${node} ${server} ${serverName}`;

/** Each kubeconfig once, whatever flags name it. Plain HTTP is left out: nothing is verified there. */
export function callersOf(instances: readonly Instance[], stores: ReadonlyMap<string, Store>): Caller[] {
  const found = new Map<string, Caller>();
  for (const instance of instances) {
    for (const file of fileUses(instance)) {
      if (!file.fact || !('flag' in file.fact) || file.kind === 'kubeconfig-client' || file.kind === 'leaf') continue;
      const store = stores.get(storeIdOf(instance.node, file));
      const { flag } = file.fact;
      const told = (setting: string): string | undefined => instance.settings[`${flag}.${setting}`];
      const server = told('server') ?? store?.server;
      if (!store || server === undefined || !/^https:/i.test(server) || !URL.canParse(server)) continue;
      const serverName = told('tls-server-name');
      const proxy = told('proxy-url');
      const place = { node: instance.node, server, ...(serverName === undefined ? {} : { serverName }) };
      const key = `${store.id} ${keyOf(place)}`;
      if (found.has(key)) continue;
      found.set(key, { ...place, ...(proxy === undefined ? {} : { proxy }), party: instance.id, store });
    }
  }
  return [...found.values()];
}

/** Whether this kubeconfig is verified through the authority at all: not the one of a webhook with a CA of its own. */
export const trusts = ({ store }: Caller, a: AuthorityRotation): boolean =>
  store.certs.length === 0 || trustOf(store.certs, a) !== 'none';

/** A chain from neither CA, which no other anchor in this kubeconfig has signed either. */
export const isForeign = (
  served: readonly CertFact[],
  { store }: Pick<Caller, 'store'>,
  a: AuthorityRotation,
): boolean => credentialOf(served, a) === 'other' && !isOthers(served, store.certs, a);

/** Signed by an anchor in the kubeconfig that is neither old nor new, by its name where nobody verified it: it stays there, and so does what it verifies. */
function isOthers(served: readonly CertFact[], anchors: readonly CertFact[], a: AuthorityRotation): boolean {
  const ours = [a.old.fingerprint, a.new.fingerprint];
  const others = anchors.filter(({ fingerprint }) => !ours.includes(fingerprint));
  return served.some(({ signedBy, issuerDer }) =>
    others.some(({ fingerprint, subjectDer }) => signedBy.includes(fingerprint) || issuerDer === subjectDer),
  );
}

export interface Meeting {
  caller: Caller;
  front: Front;
}

/** What each caller met, where its server was looked at, and the leafs that API servers have. Pure; nothing is computed where nobody looked. */
export function meetingsIn({ instances, stores, fronts }: Pick<Inventory, 'instances' | 'stores' | 'fronts'>): {
  meetings: Meeting[];
  own: ReadonlySet<string>;
} {
  if (!fronts) return { meetings: [], own: new Set() };
  const known = new Map(stores.map((store) => [store.id, store]));
  const met = new Map(fronts.map((front) => [keyOf(front), front]));
  const meetings = callersOf(instances, known).flatMap((caller) => {
    const front = met.get(keyOf(caller));
    return front ? [{ caller, front }] : [];
  });
  return { meetings, own: servedByAPIServers(instances, known) };
}

/** A leaf in words: `CN=haproxy 0a1b2c3d4e5f by CN=kubernetes`. */
export const said = ({ subject, fingerprint, issuer }: CertFact): string =>
  `${subject} ${fingerprint.slice(0, 12)} by ${issuer}`;

/** Nodes in words, each once: the first five, and how many more there are. */
export const nodesIn = (places: readonly Place[]): string => some([...new Set(places.map(({ node }) => node))], 5);

/** Fingerprints of the leafs that API servers serve by their flags. */
function servedByAPIServers(instances: readonly Instance[], stores: ReadonlyMap<string, Store>): Set<string> {
  const own = new Set<string>();
  for (const instance of instances) {
    if (instance.component !== 'kube-apiserver') continue;
    for (const file of fileUses(instance)) {
      if (!file.fact || !('kind' in file.fact) || file.fact.kind !== 'presents-as-server') continue;
      const leaf = stores.get(storeIdOf(instance.node, file))?.certs[0];
      if (leaf) own.add(leaf.fingerprint);
    }
  }
  return own;
}
