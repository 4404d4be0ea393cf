// What a client of the API server has: a certificate to present and CAs to trust, in a kubeconfig or beside it.

import type { StoreId } from '../model/ids.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Use } from '../model/topology.ts';
import type { Course } from './course.ts';
import { ownStoresOf, usesWhere } from './roles.ts';
import { write } from './write-steps.ts';

export const clientUses = (c: Course, a: AuthorityRotation, component: string): Use[] => [
  ...usesWhere(c, { authority: a.authority, component, kind: 'presents-as-client' }),
  ...usesWhere(c, { authority: a.authority, component, kind: 'verifies-servers' }),
];

/** Client certificate and server trust of one kind of client. */
export function clientFiles(
  c: Course,
  a: AuthorityRotation,
  id: string,
  whose: string,
  uses: readonly Use[],
  value: 'old' | 'new',
): void {
  const { authority } = a;
  const of = (kind: Use['kind']): StoreId[] =>
    ownStoresOf(
      c,
      uses.filter((use) => use.kind === kind),
    );
  const to = (name: string, title: string, stores: readonly StoreId[]) =>
    write(c, { id: `${c.move}.${authority}.${id}-${name}`, authority, title, stores, value });
  to('client', `give ${whose} kubeconfigs certificates from ${value}`, of('presents-as-client'));
  to('ca', `trust ${value} alone in ${whose} kubeconfigs`, of('verifies-servers'));
}
