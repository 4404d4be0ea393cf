// What every client kind is given, and what it gives back.

import type { Api } from '../api.ts';
import type { LabTarget, ProcessTarget } from '../lab-target.ts';
import type { Ledger } from '../ledger.ts';
import type { PodKeeper } from '../pod-keeper.ts';
import type { Recorder } from '../recorder.ts';
import type { Tally } from '../tally.ts';

export interface World {
  lab: LabTarget;
  /** Requests a second of each kind. */
  rate: number;
  /** Names this run: a label's value and a part of names. */
  run: string;
  api: Api;
  recorder: Recorder;
  tally: Tally;
  ledger: Ledger;
}

/** The world of clients whose pods and kubelets are played. */
export interface ProcessWorld extends World {
  lab: ProcessTarget;
  pods: PodKeeper;
  /** Nodes with a kubelet. */
  nodes: string[];
}

export interface RunningClient {
  /** Starts nothing more; resolves when all that was asked is answered and counted. */
  stop(): Promise<void>;
}

/** Resolves when the client has begun. Rejects when it cannot begin at all, which is no measurement. */
export type StartClient<W extends World = World> = (world: W) => Promise<RunningClient>;

/**
 * A turn finds no room when this many requests of its kind are under way: where answers take seconds, because the machine is busy or an
 * API server hangs, more of them would only make it worse.
 */
export const MOST_UNDER_WAY = 40;
