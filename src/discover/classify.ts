// What a store holds, in the terms of a rotation.

import { flagSetOf } from '../core/catalog/split.ts';
import { credentialOf, signerOf, trustOf } from '../core/catalog/value-of.ts';
import type { Instance, Store } from '../core/model/inventory.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import type { Holds, Value } from '../core/model/value.ts';

/** The value of a store for one authority. A manifest's value is in its flags, which the caller has read. */
export function classify(
  store: Pick<Store, 'certs' | 'keySpki'>,
  authority: Pick<AuthorityRotation, 'old' | 'new'>,
  holds: Holds,
  flags: Instance['flags'] = {},
): Value {
  switch (holds) {
    case 'trust':
      return trustOf(store.certs, authority);
    case 'credential':
      return credentialOf(store.certs, authority);
    case 'signer':
      return signerOf(store, authority);
    case 'flags':
      return flagSetOf(flags);
  }
}
