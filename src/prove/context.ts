// What a probe may use. It looks and changes nothing, but for the one probe CSR that it makes and takes away again.

import type { KeyObject } from 'node:crypto';
import type { Cluster } from '../cluster/client.ts';
import type { Authority } from '../core/model/ids.ts';
import type { Inventory } from '../core/model/inventory.ts';
import type { Rotation } from '../core/model/rotation.ts';
import type { NodeAccess } from '../nodes/access.ts';
import type { Certificate } from '../pki/certificate.ts';

/** A client certificate that no RBAC rule names, with its key. */
export interface ProbeIdentity {
  certificate: Certificate;
  key: KeyObject;
}

export interface ProbeContext {
  cluster: Cluster;
  accessOf: (node: string) => NodeAccess;
  rotation: Rotation;
  /** As of the last discovery; restarts since then have updated `pid` and `startedAt`. */
  inventory: Inventory;
  now: () => number;
  /** undefined where the CA's key is not to be had, so that nothing can be issued from it. */
  identity: (authority: Authority, generation: 'old' | 'new') => ProbeIdentity | undefined;
}
