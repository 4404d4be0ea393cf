// issue for what is no component of Kubernetes: webhooks and other callees, administrators' kubeconfigs, other clients.

import type { PartyId } from '../model/ids.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Use } from '../model/topology.ts';
import { clientFiles } from './clients.ts';
import type { Course } from './course.ts';
import { type Need, oneByOne, outdated, restart } from './restart-steps.ts';
import { otherInstanceUses, storesOf, usesWhere } from './roles.ts';
import { write } from './write-steps.ts';

/** Webhooks and the like with certificates from the cluster: their verifiers hold both by now. */
export function callees(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const { authority } = a;
  const uses = c.t.uses.filter(
    (use) => use.authority === authority && use.kind === 'presents-as-server' && isServedElsewhere(use),
  );
  const title = `serve a certificate from ${value} where API servers call out`;
  write(c, { id: `${c.move}.${authority}.callees`, authority, title, stores: storesOf(uses), value });
  const restartable = uses.filter((use) => use.reread === 'restart');
  const owners = outdated(
    c,
    restartable.map((use): Need => ({ use, value })),
  );
  const known = restartable.filter((use) => use.parties.some((party) => owners.includes(party)));
  restart(c, {
    id: `${c.move}.${authority}.restart-callees`,
    authority,
    title: 'restart what does not take its certificate up by itself',
    waves: oneByOne(owners),
    loads: [value],
    unless: [{ kind: 'serves', authority, of: known.map((use) => use.id), keep: [value] }],
  });
}

const OWN_SERVERS = /(^|\/)(kube-apiserver|kubelet|kube-controller-manager|kube-scheduler):/;
const isServedElsewhere = (use: Use): boolean => !OWN_SERVERS.test(use.id);

/** Administrators' kubeconfigs that kubeadm keeps, and other processes with kubeconfigs. */
export function others(c: Course, a: AuthorityRotation, value: 'old' | 'new'): void {
  const { authority } = a;
  const isClient = (use: Use) => use.kind === 'presents-as-client' || use.kind === 'verifies-servers';
  const own = usesWhere(c, { authority, component: 'file' }).filter((use) => isClient(use) && use.sources.length > 0);
  clientFiles(c, a, 'admin', "administrators'", own, value);
  const processes = otherInstanceUses(c, authority).filter(isClient);
  clientFiles(c, a, 'others', "other processes'", processes, value);
  const restartable = processes.filter((use) => use.reread === 'restart');
  const parties: PartyId[] = outdated(
    c,
    restartable.map((use): Need => ({ use, value })),
  );
  restart(c, {
    id: `${c.move}.${authority}.restart-others`,
    authority,
    title: 'restart the other clients of the API server',
    waves: oneByOne(parties),
    loads: [value],
  });
}
