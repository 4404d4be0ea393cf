// What every part of a running rotation needs. Made once by the command, handed down, never global.

import type { Cluster } from '../cluster/client.ts';
import type { Dial } from '../cluster/wire.ts';
import type { Config } from '../config/config.ts';
import type { Inventory } from '../core/model/inventory.ts';
import type { Rotation } from '../core/model/rotation.ts';
import type { Emit } from './events.ts';
import type { Folder } from './folder.ts';
import type { AuthorityMaterial } from './material.ts';
import type { AccessOf } from './record.ts';
import type { RotationRecord } from './record-types.ts';

export interface Context {
  config: Config;
  cluster: Cluster;
  accessOf: AccessOf;
  /** The way to ports in the cluster. Default: from here. */
  dial?: Dial;
  emit: Emit;
  now: () => number;
  /** Ends when the user interrupts or the Lease is lost: the step under way is finished, no new one begins. */
  signal: AbortSignal;
  /** Ends `signal` when the Lease may be another's by now, though nobody has said so yet: this machine slept. */
  checkLease?: () => void;
  inventory: Inventory;
  rotation: Rotation;
  materials: readonly AuthorityMaterial[];
  folders: readonly Folder[];
  record: RotationRecord;
}

export function materialOf(ctx: Pick<Context, 'materials'>, authority: string): AuthorityMaterial {
  const material = ctx.materials.find((candidate) => candidate.authority === authority);
  if (!material) throw new Error(`no material for ${authority} in this rotation`);
  return material;
}
