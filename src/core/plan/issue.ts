// issue: everything that presents a credential presents one from new. Servers switch first, over a bridge where there is one; then the
// signer; then clients, each with one restart in which it also stops trusting old.

import { MANAGER, SIGNER } from '../catalog/manager.ts';
import { IN_FLIGHT } from '../catalog/published.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Proof } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import type { Credential, Value } from '../model/value.ts';
import { clientFiles, clientUses } from './clients.ts';
import { type Course, held } from './course.ts';
import { callees, others } from './issue-others.ts';
import { place } from './place.ts';
import { leaderLast, type Need, nodeWaves, outdated, restart } from './restart-steps.ts';
import { leaderStores, ownStoresOf, storesOf, usesWhere } from './roles.ts';
import { staticPods } from './static-pods.ts';
import { canWrite, write } from './write-steps.ts';

const API_SERVER = 'kube-apiserver';
const SCHEDULER = 'kube-scheduler';

export function issue(c: Course): void {
  c.move = 'issue';
  const cluster = c.survey.of('kubernetes');
  const proxy = c.survey.of('front-proxy');
  if (cluster) present(c, cluster, issued(cluster));
  if (proxy) presentProxy(c, proxy, issued(proxy));
  if (!cluster) return;
  signer(c, cluster, 'new');
  // Before the kubelets restart: with their start they bring Pods the new Secret, for which they else take up to two minutes.
  callees(c, cluster, 'new');
  kubelets(c, cluster, 'new');
  schedulers(c, cluster, 'new');
  managers(c, cluster, 'new');
  others(c, cluster, 'new');
  staticPods(c, 'new');
}

/** What servers serve and API servers present in issue. */
const issued = (a: AuthorityRotation): Credential => (a.route === 'bridge' ? 'new+bridge' : 'new');

const from: Readonly<Partial<Record<Value, string>>> = {
  new: 'from new',
  'new+bridge': 'from new with the bridge',
  old: 'from old',
  'old+reverse': 'from old with the reverse bridge',
};

/** API servers: what they serve, and what they show to kubelets. All hot; what is kept open is told by a request of ours (traps 25, 26). */
export function present(c: Course, a: AuthorityRotation, value: Credential, id = `${c.move}.${a.authority}`): void {
  kubeletClient(c, a, value, id);
  serving(c, a, value, id);
}

export function serving(c: Course, a: AuthorityRotation, value: Credential, id: string): void {
  const { authority } = a;
  const uses = usesWhere(c, { authority, component: API_SERVER, kind: 'presents-as-server' });
  write(c, { id: `${id}.serving`, authority, title: `serve a leaf ${from[value]}`, stores: storesOf(uses), value });
}

export function kubeletClient(c: Course, a: AuthorityRotation, value: Credential, id: string): void {
  const { authority } = a;
  const uses = usesWhere(c, { authority, component: API_SERVER, name: 'kubelet-client' });
  const title = `present a client certificate ${from[value]} to kubelets`;
  const written = write(c, { id: `${id}.to-kubelets`, authority, title, stores: storesOf(uses), value });
  if (written.length === 0 || c.refusal) return;
  const parties = uses
    .filter((use) => use.sources.some(({ store }) => written.includes(store)))
    .flatMap((use) => use.parties);
  const action = { do: 'nudge', parties } as const;
  place(c, {
    id: `${id}.to-kubelets.nudge`,
    authority,
    title: 'make the first connections to kubelets with it ourselves',
    action,
    effects: [],
    proof: [],
    inverse: action,
  });
}

export function presentProxy(c: Course, a: AuthorityRotation, value: Credential): void {
  const { authority } = a;
  const uses = usesWhere(c, { authority, component: API_SERVER, kind: 'presents-as-client' });
  const title = `present a front-proxy certificate ${from[value]}`;
  write(c, { id: `${c.move}.${authority}.proxy-client`, authority, title, stores: storesOf(uses), value });
}

/** All controller managers at once: until then a fail-over may sign with the other generation. */
export function signer(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const { authority } = a;
  const stores = leaderStores(c, 'signer', 'split');
  if (!c.uses.has(SIGNER)) return;
  const inFlight: Proof[] =
    c.stores.has(IN_FLIGHT) && held(c, IN_FLIGHT).length > 0
      ? [{ kind: 'holds', authority, of: [IN_FLIGHT], keep: [value] }]
      : [];
  write(c, {
    id: `${c.move}.${authority}.signer`,
    authority,
    title: `sign with ${value}`,
    stores,
    value,
    together: true,
    proof: [{ kind: 'signs', authority, of: [SIGNER], keep: [value] }, ...inFlight],
  });
}

export function kubelets(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const uses = clientUses(c, a, 'kubelet');
  clientFiles(c, a, 'kubelet', "kubelets'", uses, value);
  // The signer adds no bridge (trap 6): API servers that verify kubelets hold both by now.
  const serving = usesWhere(c, { authority: a.authority, component: 'kubelet', kind: 'presents-as-server' });
  const title = `serve a certificate from ${value} at kubelets`;
  write(c, {
    id: `${c.move}.${a.authority}.kubelet-serving`,
    authority: a.authority,
    title,
    stores: ownStoresOf(c, serving),
    value,
  });
  const atStart = serving.filter((use) => use.reread === 'own-rotation');
  const needs = [...uses, ...atStart].map((use): Need => ({ use, value }));
  restart(c, {
    id: `${c.move}.${a.authority}.restart-kubelets`,
    authority: a.authority,
    title: 'restart the kubelets, in waves',
    waves: nodeWaves(c, outdated(c, needs)),
    loads: [value],
  });
}

export function schedulers(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const uses = clientUses(c, a, SCHEDULER);
  clientFiles(c, a, 'scheduler', "the schedulers'", uses, value);
  restart(c, {
    id: `${c.move}.${a.authority}.restart-schedulers`,
    authority: a.authority,
    title: 'restart the schedulers, the leader last',
    waves: leaderLast(
      c,
      SCHEDULER,
      outdated(
        c,
        uses.map((use): Need => ({ use, value })),
      ),
    ),
    loads: [value],
  });
}

/** The second restart of the controller managers: certificate, trust, and what they publish (trap 11). */
export function managers(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const { authority } = a;
  const uses = clientUses(c, a, MANAGER);
  clientFiles(c, a, 'manager', "the controller managers'", uses, value);
  const publishes = usesWhere(c, { authority, kind: 'publishes', component: MANAGER });
  const bundle = {
    id: `${c.move}.${authority}.root-bundle`,
    authority,
    title: `publish ${value} alone as kube-root-ca.crt`,
    stores: leaderStores(c, 'root-ca', 'split'),
    value,
  };
  // Only if everyone who is verified through it serves what new-only accepts; else it waits for retire, and one more restart.
  const published = bundle.stores.length > 0 && canWrite(c, bundle);
  if (published) write(c, bundle);
  restartManagers(c, a, [...uses, ...(published ? publishes : [])], value);
}

export function restartManagers(c: Course, a: AuthorityRotation, uses: readonly Use[], value: 'old' | 'new'): void {
  restart(c, {
    id: `${c.move}.${a.authority}.restart-managers`,
    authority: a.authority,
    title: 'restart the controller managers, the leader last',
    waves: leaderLast(
      c,
      MANAGER,
      outdated(
        c,
        uses.map((use): Need => ({ use, value })),
      ),
    ),
    loads: [value],
  });
}
