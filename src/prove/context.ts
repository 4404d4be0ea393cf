// What a proof needs of the world, and what it gives back.

import type { KeyObject } from 'node:crypto';
import type { Cluster } from '../cluster/client.ts';
import type { AddressBook } from '../cluster/service.ts';
import type { Dial } from '../cluster/wire.ts';
import type { Config } from '../config/config.ts';
import type { Authority } from '../core/model/ids.ts';
import type { Instance, Inventory, Millis } from '../core/model/inventory.ts';
import type { Rotation } from '../core/model/rotation.ts';
import type { Value } from '../core/model/value.ts';
import type { NodeAccess } from '../nodes/access.ts';
import type { FileSeen } from '../nodes/files.ts';
import type { ProcessSeen } from '../nodes/processes.ts';
import type { Certificate } from '../pki/certificate.ts';

/** A client certificate that opens nothing, to see whether its CA is trusted. */
export interface ProbeIdentity {
  certificate: Certificate;
  key: KeyObject;
}

export interface ProbeContext {
  cluster: Cluster;
  config: Config;
  accessOf: (node: string) => NodeAccess;
  /** The way to ports in the cluster. Default: from here. */
  dial?: Dial;
  rotation: Rotation;
  /** As it was when the step was planned: where things are and who reads what. What they hold is measured anew. */
  inventory: Inventory;
  /** The CAs of both generations of every authority in the rotation: signatures are verified with them. */
  cas: readonly Certificate[];
  /** Undefined where the CA's key is not to be had. */
  identity: (authority: Authority, generation: 'old' | 'new') => ProbeIdentity | undefined;
  now: () => Millis;
}

/** One thing measured, once. */
export interface Observation {
  /** A use, store or party id, as the proof names it. */
  of: string;
  /** What was measured; undefined when it could not be, and `evidence` says why. */
  value: Value | undefined;
  /** One line for the record: what was looked at and what it showed. */
  evidence: string;
  /** By this machine's clock. */
  at: Millis;
}

/** An observation before it has a name and a time. */
export interface Look {
  value: Value | undefined;
  evidence: string;
}

export interface Running {
  process: ProcessSeen;
  flags: Instance['flags'];
}

export interface ProcessTables {
  /** The process behind an instance; undefined while it does not run. Throws NodeUnreachable. */
  of(instance: Pick<Instance, 'node' | 'component'>): Promise<Running | undefined>;
}

/** What the parts of one look share: files of a node asked for at the same time are read in one command, its process table once. */
export interface LookContext extends ProbeContext {
  read: (node: string, paths: readonly string[]) => Promise<ReadonlyMap<string, FileSeen>>;
  tables: ProcessTables;
  /** Where Services lead, each asked for once. */
  addresses: AddressBook;
}
