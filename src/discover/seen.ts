// What the findings are made from: the inventory, and what was seen beside it.

import type { NodeName, StoreId } from '../core/model/ids.ts';
import type { Inventory } from '../core/model/inventory.ts';

/** A private key's file as seen: what it fits and who may read it, never what it holds. */
export interface KeyFile {
  node: NodeName;
  path: string;
  /** SHA-256 of the public key's SPKI, hex; undefined when it could not be parsed (encrypted, malformed). */
  spki?: string;
  mode?: number;
  owner?: string;
}

export interface Seen {
  inventory: Omit<Inventory, 'findings'>;
  keyFiles: readonly KeyFile[];
  /** Id of a rotation that is open: two generations are no surprise then, and the CA keys are kept away. */
  rotation?: string;
  /** Values of objects of which only a piece of a CA can be made out. */
  torn: readonly StoreId[];
  /** Stores that some use reads. */
  used: ReadonlySet<string>;
}
