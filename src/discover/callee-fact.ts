// A callee in the inventory's terms, with the store that its serving certificate comes from.

import type { Callee, Store } from '../core/model/inventory.ts';
import type { CalleeSeen } from './callees.ts';
import type { CertificatePool } from './pool.ts';

/** What is served and lies in no store that reroot writes has nothing to be reissued in. */
export function calleeFact(
  { store, served, others, ...rest }: CalleeSeen,
  pool: CertificatePool,
  stores: readonly Store[],
): Callee {
  const chain = served?.map(pool.factOf);
  const more = others?.map((one) => one.map(pool.factOf));
  // Of Pods that differ those that serve what lies in a store say where it comes from.
  const leafs = new Set([...(chain ? [chain] : []), ...(more ?? [])].map(([leaf]) => leaf?.fingerprint));
  const servingStore = stores.find(
    ({ certs, embedded }) => certs[0] && !embedded && leafs.has(certs[0].fingerprint),
  )?.id;
  return {
    ...rest,
    ...(store ? { caBundle: store.id } : {}),
    ...(chain ? { served: chain } : {}),
    ...(more ? { others: more } : {}),
    ...(servingStore ? { servingStore } : {}),
  };
}
