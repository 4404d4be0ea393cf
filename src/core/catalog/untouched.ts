// Pods that have not started anything since before the rotation began. On the way back this is what shows that they hold old: nobody
// gave them anything else at their start.

import type { Millis, Pod } from '../model/inventory.ts';
import type { Rotation } from '../model/rotation.ts';

/** A container's start is told in whole seconds, and a node's clock was measured to within half a round trip. */
const START_MARGIN: Millis = 5_000;

/**
 * Whether everything in the pod started before the rotation began, both by the clock of its node. False where either is not known:
 * a container between two runs, a node that was away when the rotation began or has joined since.
 */
export function startedBefore(rotation: Pick<Rotation, 'begunAt'>, pod: Pick<Pod, 'node' | 'lastStartedAt'>): boolean {
  const begunAt = rotation.begunAt?.[pod.node];
  return begunAt !== undefined && pod.lastStartedAt !== undefined && pod.lastStartedAt + START_MARGIN < begunAt;
}

/** client-go re-reads CA and client certificate files every five minutes (C:transport/ca_rotation.go, cert_rotation.go). */
export const LONGEST_REREAD: Millis = 300_000;

export interface FileAge {
  /** When the file got what it holds, and the time now: both by its node's clock. */
  changedAt: Millis;
  now: Millis;
}

/** Whether even who re-reads the file has what it holds by now. */
export const isTakenUp = ({ changedAt, now }: FileAge): boolean => now - changedAt > LONGEST_REREAD;
