// retire: nothing accepts old any more. Bridges go first, then old trust; the only move that cannot simply be undone, so whoever
// stands in the way stands in the way of its first step.

import { MANAGER } from '../catalog/manager.ts';
import { clusterInfo, unionStore } from '../catalog/published.ts';
import type { StoreId } from '../model/ids.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Step } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import { type Course, held } from './course.ts';
import { unfreeze } from './freeze-steps.ts';
import { kubeletClient, presentProxy, restartManagers, serving } from './issue.ts';
import { place } from './place.ts';
import { restartPods } from './pods.ts';
import { leaderStores, ownStoresOf, usesWhere } from './roles.ts';
import { waitForStrangers } from './strangers.ts';
import { waitForUnseen } from './unseen-callees.ts';
import { write } from './write-steps.ts';

export function retire(c: Course): void {
  c.move = 'retire';
  const begun = c.steps.length;
  const cluster = c.survey.of('kubernetes');
  const proxy = c.survey.of('front-proxy');
  restartPods(c, ['both', 'new'], { presents: 'new' });
  // The longest wait first: connections to kubelets are kept for minutes (trap 25).
  if (cluster) kubeletClient(c, cluster, 'new', `retire.${cluster.authority}`);
  if (proxy) presentProxy(c, proxy, 'new');
  if (cluster) {
    serving(c, cluster, 'new', `retire.${cluster.authority}`);
    serverCAs(c, cluster, 'new');
    rootBundle(c, cluster);
  }
  for (const a of c.rotation.authorities) clientCAs(c, a, 'new');
  if (cluster) laterRootBundle(c, cluster, 'new');
  unfreeze(c);
  shrinkUnion(c, 'new');
  waitForStrangers(c, begun, ['trust', 'credential']);
  blockersFirst(c, begun);
  waitForUnseen(c, begun);
}

/** caBundles, cluster-info and every kubeconfig that still holds both. */
export function serverCAs(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const { authority } = a;
  const undoable = c.direction === 'back';
  const info = clusterInfo(c.survey);
  const uses = usesWhere(c, { authority, kind: 'verifies-servers' });
  const bundles = uses.filter((use) => use.id.endsWith(':ca-bundle'));
  const rest = uses.filter((use) => !bundles.includes(use));
  const to = (id: string, title: string, stores: readonly StoreId[]) =>
    write(c, { id: `${c.move}.${authority}.${id}`, authority, title, stores, value, undoable });
  to('ca-bundles', `let API servers trust ${value} alone at what they call`, ownStoresOf(c, bundles));
  to('cluster-info', `let nodes that join trust ${value} alone`, info ? [info.id] : []);
  to('kubeconfigs', `trust ${value} alone in kubeconfigs`, ownStoresOf(c, rest));
}

export function clientCAs(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const uses = usesWhere(c, { authority: a.authority, kind: 'verifies-clients' });
  write(c, {
    id: `${c.move}.${a.authority}.client-ca`,
    authority: a.authority,
    title: `accept ${a.authority === 'front-proxy' ? 'front proxies' : 'clients'} from ${value} alone`,
    stores: ownStoresOf(c, uses),
    value,
    undoable: c.direction === 'back',
  });
}

/** Where issue could not publish new alone, it is done now, with one more restart of the controller managers. */
function rootBundle(c: Course, a: AuthorityRotation): void {
  const stores = leaderStores(c, 'root-ca', 'split');
  if (stores.length === 0) return;
  const title = 'publish new alone as kube-root-ca.crt';
  write(c, {
    id: `retire.${a.authority}.root-bundle`,
    authority: a.authority,
    title,
    stores,
    value: 'new',
    undoable: false,
  });
  republish(c, a, 'new');
}

/** A controller manager without a signer publishes the CA file itself, which holds one generation alone only now. */
export function laterRootBundle(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  if (leaderStores(c, 'root-ca', 'split').length === 0) republish(c, a, value);
}

const republish = (c: Course, a: AuthorityRotation, value: 'old' | 'new'): void =>
  restartManagers(c, a, usesWhere(c, { authority: a.authority, kind: 'publishes', component: MANAGER }), value);

/** The ConfigMap that API servers only ever add to (traps.md): one edit for all its keys, and one watch that nothing comes back. */
export function shrinkUnion(c: Course, value: 'old' | 'new'): void {
  const found = c.rotation.authorities.flatMap((a) => {
    const store = unionStore(c.survey, a);
    if (!store) return [];
    // What an API server's file held at the beginning of this plan may have been added, or be about to be.
    const sources = ownStoresOf(c, apiServerUses(c, a)).map((id) => c.t.initial.stores[id]);
    const mixed = [c.t.initial.stores[store.id], ...sources].some((values) => values?.some((one) => one !== value));
    return mixed ? [{ a, id: store.id }] : [];
  });
  const [first, ...more] = found;
  if (!first) return;
  place(c, {
    id: `${c.move}.shrink-union`,
    authority: first.a.authority,
    title: `take ${value === 'new' ? 'old' : 'new'} out of extension-apiserver-authentication, and see that it stays out`,
    action: { do: 'shrink-union', store: first.id, ...(more.length > 0 ? { more: more.map(({ id }) => id) } : {}) },
    effects: [{ kind: 'write', stores: found.map(({ id }) => id), value }],
    gate: gateOfUnion(c, value),
    proof: found.map(({ a, id }) => ({ kind: 'settled' as const, authority: a.authority, of: [id], keep: [value] })),
    before: Object.fromEntries(found.map(({ id }) => [id, 'both' as const])),
    after: Object.fromEntries(found.map(({ id }) => [id, value])),
    ...(c.direction === 'back' ? { inverse: { do: 'prove' as const } } : {}),
  });
}

const apiServerUses = (c: Course, a: AuthorityRotation): Use[] =>
  usesWhere(c, { authority: a.authority, component: 'kube-apiserver', kind: 'verifies-clients' });

/** No API server may still trust what is taken out: its publisher would put it back. */
const gateOfUnion = (c: Course, value: 'old' | 'new') =>
  c.rotation.authorities.flatMap((a) => {
    const of = apiServerUses(c, a)
      .filter((use) => held(c, use.id).some((one) => one !== value))
      .map((use) => use.id);
    return of.length === 0 ? [] : [{ kind: 'accepts' as const, authority: a.authority, of, keep: [value] }];
  });

/** Retire does not begin while somebody blocks any of its steps. */
export function blockersFirst(c: Course, begun: number): void {
  const [first, ...rest] = c.steps.slice(begun);
  if (!first) return;
  const later = rest.flatMap((step) => step.blockers);
  if (later.length === 0) return;
  const seen = new Set(first.blockers.map(({ party }) => party));
  const added = later.filter(({ party }) => !seen.has(party) && seen.add(party));
  const moved = [
    { ...first, blockers: [...first.blockers, ...added] },
    ...rest.map((step): Step => ({ ...step, blockers: [] })),
  ];
  c.steps.splice(begun, moved.length, ...moved);
}
