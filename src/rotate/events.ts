// What a rotation tells while it runs: one flat value, the same for the board, plain lines, JSON and the web page.

import type { Authority } from '../core/model/ids.ts';
import type { Move } from '../core/model/rotation.ts';

export type EventType =
  | 'begin' // a command starts to work on a rotation
  | 'plan' // a plan was made: data has steps, restarts, routes
  | 'move' // a move begins or is reached: data.state is 'begin' or 'reached'
  | 'step' // data.state is 'begin', 'done', 'failed' or 'skipped'
  | 'wait' // what is waited for, on whom, since when: data.seconds, data.missing
  | 'proof' // something was shown: data.of, data.value, data.evidence
  | 'restart' // a component instance was restarted: data.seconds until it was ready
  | 'blocked' // a party stands in the way: data.reason, data.ways
  | 'warning'
  | 'error'
  | 'end'; // the command ends: data.exitCode

/** One line of `-o json`. Fields that do not apply are absent. Never carries a private key. */
export interface RotationEvent {
  /** ISO 8601, UTC. */
  time: string;
  rotation?: string;
  type: EventType;
  step?: string;
  party?: string;
  channel?: string;
  authority?: Authority;
  move?: Move;
  /** One line for people. */
  message: string;
  data?: Record<string, unknown>;
}

export type Emit = (event: Omit<RotationEvent, 'time' | 'rotation'>) => void;
