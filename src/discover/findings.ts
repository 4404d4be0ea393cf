// What is wrong or soon will be, each with the command or edit that mends it. Pure: from what was seen to findings.

import type { NodeName } from '../core/model/ids.ts';
import type { Finding, Inventory } from '../core/model/inventory.ts';
import { certificateFindings } from './findings-certificates.ts';
import { fleetFindings } from './findings-fleet.ts';

/** A private key's file as seen: what it fits and who may read it, never what it holds. */
export interface KeyFile {
  node: NodeName;
  path: string;
  /** SHA-256 of the public key's SPKI, hex; undefined when it could not be parsed (encrypted, malformed). */
  spki?: string;
  mode?: number;
  owner?: string;
}

/** A process that reroot does not know and whose arguments name a file that holds material of an authority. */
export interface StrangeProcess {
  node: NodeName;
  pid: number;
  name: string;
  paths: string[];
}

export interface Seen {
  inventory: Omit<Inventory, 'findings'>;
  keyFiles: readonly KeyFile[];
  strangers: readonly StrangeProcess[];
  /** Id of a rotation that is open: two generations are no surprise then, and the CA keys are kept away. */
  rotation?: string;
  /** Stores that some use reads. */
  used: ReadonlySet<string>;
}

/** Everything there is to say, errors first. Reasons are documented in docs/findings.md. */
export function findingsOf(seen: Seen): Finding[] {
  const order = { error: 0, warning: 1, note: 2 } as const;
  return [...certificateFindings(seen), ...fleetFindings(seen)].sort((a, b) => order[a.severity] - order[b.severity]);
}
