// The rotation's record: only what cannot be derived from the cluster. It lies on every control-plane node as
// `<pki>/reroot/record.json` (0600), beside the staged material, and never holds a private key.

import type { Authority, PartyId } from '../core/model/ids.ts';
import type { Move, Route, Waiver } from '../core/model/rotation.ts';

export interface AuthorityRecord {
  authority: Authority;
  route: Route;
  because: string;
  /** PEM of the two generations and of every bridge minted, retired ones included. Certificates only. */
  oldCA: string;
  newCA: string;
  bridges: { serving?: string; client?: string; reverse?: string };
  /** The old CA's key was on no node: nothing is put where kubeadm keeps CA keys at the end. */
  external: boolean;
  /** The new CA was made by reroot: where the old key was on no node, the new one's is left for its owner to take away. */
  made?: boolean;
  /** Leafs that were replaced, PEM by store id: needed to go back to exactly what was there. */
  replaced: Record<string, string>;
}

export interface Evidence {
  at: string;
  step: string;
  proof: string;
  of: string;
  value: string;
  evidence: string;
}

export interface StepRecord {
  id: string;
  move: Move;
  title: string;
  begunAt: string;
  endedAt?: string;
  state: 'begun' | 'done' | 'failed';
  error?: string;
}

export interface RestartRecord {
  party: PartyId;
  step: string;
  /** Instances of one step and wave went down together. */
  wave: number;
  at: string;
  /** From the end of the old process to the new one's readiness, seconds. */
  seconds: number;
}

export interface RotationRecord {
  version: 1;
  id: string;
  /** Grows with every write: of two copies the higher one is right. */
  sequence: number;
  server: string;
  startedAt: string;
  /** Each node's clock, milliseconds, at a moment before anything was written: what started earlier had old at its start. */
  clocks?: Record<string, number>;
  endedAt?: string;
  state: 'open' | 'rolling-back' | 'done' | 'rolled-back';
  /** Everything is proved and the staged keys are being destroyed: nothing but that is left to do. */
  ending?: 'done' | 'rolled-back';
  reached?: Move;
  authorities: AuthorityRecord[];
  waivers: Waiver[];
  newKeys: boolean;
  compromised: boolean;
  restart: 'none' | 'stale' | 'all';
  steps: StepRecord[];
  restarts: RestartRecord[];
  evidence: Evidence[];
  /** What still holds old at the end and why that is known and accepted. */
  left: { store: string; why: string }[];
}
