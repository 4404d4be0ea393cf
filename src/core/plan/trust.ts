// trust: everything that verifies accepts what issue will present. The signer is split off first, since the file it signs with must
// never hold two certificates; kubeadm is frozen before any CA file does.

import { MANAGER } from '../catalog/manager.ts';
import { clusterInfo } from '../catalog/published.ts';
import type { StoreId } from '../model/ids.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Use } from '../model/topology.ts';
import type { Course } from './course.ts';
import { freeze } from './freeze-steps.ts';
import { restartPods } from './pods.ts';
import { leaderLast, type Need, nodeWaves, oneByOne, outdated, restart } from './restart-steps.ts';
import { isSplitting, leaderStores, otherInstanceUses, ownStoresOf, storesOf, usesWhere } from './roles.ts';
import { staticPods } from './static-pods.ts';
import { write } from './write-steps.ts';

export function trust(c: Course): void {
  c.move = 'trust';
  const cluster = c.survey.of('kubernetes');
  const signsNow = leaderStores(c, 'signer', 'found').length > 0 || leaderStores(c, 'signer', 'split').length === 0;
  // Without the old key nothing can sign with old: the signer's own file begins with new, so everyone must trust that first.
  const late = cluster !== undefined && isSplitting(c) && !signsNow && !signsAlready(c);
  if (cluster && !late) split(c, cluster, 'old');
  freeze(c);
  for (const a of c.rotation.authorities) clientCAs(c, a);
  if (cluster && late) split(c, cluster, 'new');
  if (cluster) {
    serverCAs(c, cluster);
    if (cluster.route === 'bundle') restartForTrust(c);
  }
}

/** The signer's own files are there from an earlier rotation. */
const signsAlready = (c: Course): boolean =>
  leaderStores(c, 'signer', 'split').some((id) =>
    c.t.initial.stores[id]?.every((value) => value === 'old' || value === 'new'),
  );

function split(c: Course, a: AuthorityRotation, begins: 'old' | 'new'): void {
  const { authority } = a;
  if (isSplitting(c)) {
    write(c, {
      id: `trust.${authority}.signer-file`,
      authority,
      title: 'give the signer a file of its own, certificate and key in one PEM',
      stores: leaderStores(c, 'signer', 'split'),
      value: begins,
    });
    write(c, {
      id: `trust.${authority}.root-bundle`,
      authority,
      title: 'give kube-root-ca.crt a source of its own, with both CAs',
      stores: leaderStores(c, 'root-ca', 'split'),
      value: 'both',
    });
  }
  write(c, {
    id: `trust.${authority}.manager-kubeconfig`,
    authority,
    title: "trust both CAs in the controller manager's kubeconfig",
    stores: storesOf(usesWhere(c, { authority, component: MANAGER, kind: 'verifies-servers' })),
    value: 'both',
  });
  const flags = usesWhere(c, { kind: 'flags', component: MANAGER });
  splitFlags(c, a, flags);
  restartManagers(c, a, [
    ...flags.map((use): Need => ({ use, value: 'split' })),
    // Over bridges nobody has to hold new yet; who restarts for the flags takes it up all the same.
    ...(a.route === 'bundle' ? trustNeeds(c, MANAGER) : []),
  ]);
}

/** A kubelet restarts a static pod as soon as its manifest changes: the standbys' at the same time, the leader's last; one by one where nobody knows who leads. */
function splitFlags(c: Course, { authority }: AuthorityRotation, flags: readonly Use[]): void {
  const isLeader = ({ party }: Use): boolean =>
    c.survey.instances(MANAGER).some(({ id, leader }) => id === party && leader === true);
  const leaders = flags.filter(isLeader);
  const id = `trust.${authority}.manager-flags`;
  const title = 'name both files in the flags of the controller manager';
  const standbys = storesOf(flags.filter((use) => !isLeader(use)));
  write(c, { id, authority, title, stores: standbys, value: 'split', together: leaders.length > 0 });
  write(c, { id, authority, title, stores: storesOf(leaders), value: 'split' });
}

const trustNeeds = (c: Course, component: string): Need[] => [
  ...usesWhere(c, { authority: 'kubernetes', component, kind: 'verifies-servers' }).map(
    (use): Need => ({ use, value: 'both' }),
  ),
  ...(component === MANAGER
    ? usesWhere(c, { kind: 'publishes', component: MANAGER }).map((use): Need => ({ use, value: 'both' }))
    : []),
];

function restartManagers(c: Course, a: AuthorityRotation, needs: readonly Need[]): void {
  restart(c, {
    id: `trust.${a.authority}.restart-managers`,
    authority: a.authority,
    title: 'restart the controller managers, the leader last',
    waves: leaderLast(c, MANAGER, outdated(c, needs)),
    loads: ['split', 'both'],
  });
}

/** CA files that clients are verified with, on every node: taken up at once. */
function clientCAs(c: Course, a: AuthorityRotation): void {
  const uses = usesWhere(c, { authority: a.authority, kind: 'verifies-clients' });
  write(c, {
    id: `trust.${a.authority}.client-ca`,
    authority: a.authority,
    title: a.authority === 'front-proxy' ? 'accept front proxies from both CAs' : 'accept clients from both CAs',
    stores: ownStoresOf(c, uses),
    value: 'both',
  });
}

/** What servers are verified with: cluster-info, kubeconfigs, caBundles. */
function serverCAs(c: Course, a: AuthorityRotation): void {
  const { authority } = a;
  const info = clusterInfo(c.survey);
  const to = (id: string, title: string, stores: readonly StoreId[]) =>
    write(c, { id: `trust.${authority}.${id}`, authority, title, stores, value: 'both' });
  to('cluster-info', 'let nodes that join trust both CAs', info ? [info.id] : []);
  const own = usesWhere(c, { authority, kind: 'verifies-servers' });
  const bundles = own.filter((use) => use.id.endsWith(':ca-bundle'));
  const kubelets = own.filter((use) => use.id.endsWith(':kubelet-ca'));
  const rest = own.filter((use) => !bundles.includes(use) && !kubelets.includes(use));
  to('kubeconfigs', 'trust both CAs in kubeconfigs', ownStoresOf(c, rest));
  to('ca-bundles', 'let API servers trust both CAs at what they call', storesOf(bundles));
  to('kubelet-servers', 'let API servers trust both CAs at kubelets', storesOf(kubelets));
  restart(c, {
    id: `trust.${authority}.restart-api-servers`,
    authority,
    title: 'restart the API servers, which read --kubelet-certificate-authority at their start only',
    waves: oneByOne(
      outdated(
        c,
        kubelets.filter((use) => use.reread === 'restart').map((use) => ({ use, value: 'both' })),
      ),
    ),
    loads: ['both'],
  });
}

/** The bundle route: every client must hold new before any server presents it. */
function restartForTrust(c: Course): void {
  const authority = 'kubernetes';
  const step = (id: string, title: string, waves: string[][]) =>
    restart(c, { id: `trust.${authority}.${id}`, authority, title, waves, loads: ['both'] });
  step(
    'restart-schedulers',
    'restart the schedulers, the leader last',
    leaderLast(c, 'kube-scheduler', outdated(c, trustNeeds(c, 'kube-scheduler'))),
  );
  step('restart-kubelets', 'restart the kubelets, in waves', nodeWaves(c, outdated(c, trustNeeds(c, 'kubelet'))));
  const others = otherInstanceUses(c, authority).filter(
    (use) => use.kind === 'verifies-servers' && use.reread === 'restart',
  );
  step(
    'restart-others',
    'restart the other clients of the API server',
    oneByOne(
      outdated(
        c,
        others.map((use) => ({ use, value: 'both' })),
      ),
    ),
  );
  staticPods(c, 'both');
  restartPods(c, ['both', 'new']);
}
