// The files that components read, as the preconditions go through them.

import { type Survey, storeIdOf } from '../catalog/survey.ts';
import type { StoreId } from '../model/ids.ts';
import type { CertFact, Instance, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';

/** Stores of the control plane's and the kubelets' own files, with who reads them. */
export function* usedStores(survey: Survey): Iterable<{ store: Store; by: Instance }> {
  const seen = new Set<StoreId>();
  for (const by of survey.inventory.instances) {
    if (by.component === 'etcd') continue;
    for (const file of survey.files(by)) {
      const id = storeIdOf(by.node, file);
      const store = survey.store(id);
      if (store && !seen.has(id)) {
        seen.add(id);
        yield { store, by };
      }
    }
  }
}

export const where = (store: Store): string => (store.path ? `${store.node}:${store.path}` : store.id);

export const isOneOf = (ca: CertFact, a: AuthorityRotation): boolean =>
  ca.fingerprint === a.old.fingerprint || ca.fingerprint === a.new.fingerprint;

export const short = (cert: CertFact): string => `${cert.subject} ${cert.fingerprint.slice(0, 8)}`;
