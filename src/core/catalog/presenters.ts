// Who presents the leaf in a store, and as what. A bridge is for serving chains or for clients', never for both (trap 3).

import type { PartyId, StoreId } from '../model/ids.ts';
import type { Inventory } from '../model/inventory.ts';
import { fileUses } from './stores-of.ts';
import { storeIdOf } from './survey.ts';

export type Role = 'server' | 'client';

export interface Presenter {
  by: PartyId;
  use: string;
  role: Role;
}

/** By store, from the flags and kubeconfigs of components and from what was seen to be served. */
export function presenters({
  instances,
  callees,
}: Pick<Inventory, 'instances' | 'callees'>): ReadonlyMap<StoreId, readonly Presenter[]> {
  const found = new Map<StoreId, Presenter[]>();
  const note = (id: StoreId, presenter: Presenter): void => {
    const known = found.get(id);
    if (known) known.push(presenter);
    else found.set(id, [presenter]);
  };
  for (const instance of instances) {
    for (const file of fileUses(instance)) {
      const role = file.fact && roleOf(file.fact, file.use);
      if (role) note(storeIdOf(instance.node, file), { by: instance.id, use: file.use, role });
    }
  }
  for (const { id, servingStore } of callees) {
    if (servingStore) note(servingStore, { by: id, use: 'serving', role: 'server' });
  }
  return found;
}

function roleOf(fact: { kind: string } | { flag: string }, use: string): Role | undefined {
  // A kubeconfig's other part is what it trusts.
  if ('flag' in fact) return use.endsWith('-client') ? 'client' : undefined;
  if (fact.kind === 'presents-as-server') return 'server';
  return fact.kind === 'presents-as-client' ? 'client' : undefined;
}
