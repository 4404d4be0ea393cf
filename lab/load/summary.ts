// What a load measured, as the last line of its output and as a file.

import type { Baseline } from './baseline.ts';
import type { WatchStory } from './clients/watch.ts';
import type { Mark } from './control.ts';
import type { Failure } from './failure.ts';
import type { PodLife } from './pod-keeper.ts';
import type { KindSummary } from './tally.ts';

/**
 * - `done`: ran to its time; `stopped`: was told to stop, after a clean baseline.
 * - `machine too busy`: the baseline was not clean, so nothing was measured. `stopped in the baseline`: nor was it then.
 */
export type Result = 'done' | 'stopped' | 'machine too busy' | 'stopped in the baseline';

/** Times are milliseconds since the epoch. A failure is before a mark when its `t` is. */
export interface LoadSummary {
  event: 'summary';
  result: Result;
  lab: string;
  from: number;
  to: number;
  /** Requests a second that each client kind was to make. */
  rate: number;
  requests: number;
  failed: number;
  /** What the load itself took of one core: 0.2 is a fifth. */
  cpu: number;
  /** Absent when the load was stopped before its end. */
  baseline?: Baseline;
  clients: Record<string, KindSummary>;
  failures: Failure[];
  /** Failures beyond those in `failures`; they are counted in `clients`. */
  failuresOmitted: number;
  marks: Mark[];
  watch?: WatchStory;
  pods: PodLife[];
}

/** A result that says something about the cluster. */
export const isMeasurement = (result: Result): boolean => result === 'done' || result === 'stopped';
