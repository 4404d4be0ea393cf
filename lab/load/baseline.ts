// Whether the machine can carry the load at all: judged before anything is touched. A failure later means something only then.

import type { Failure } from './failure.ts';
import type { KindSummary } from './tally.ts';

/** A request slower than this in a cluster that nobody touches says that the machine is too busy to measure on. */
export const BASELINE_LIMIT_MS = 10_000;

export interface Baseline {
  clean: boolean;
  seconds: number;
  requests: number;
  maxMs: number;
  /** Why it is not clean, one line each. */
  why: string[];
}

export interface BaselineInput {
  seconds: number;
  clients: Record<string, KindSummary>;
  failures: readonly Failure[];
  /** By kind, how long the oldest request has been waiting for its answer. */
  waitingMs: Record<string, number>;
}

export function judgeBaseline({ seconds, clients, failures, waitingMs }: BaselineInput): Baseline {
  const kinds = Object.entries(clients);
  const why = [
    ...kinds
      .filter(([, kind]) => kind.failed > 0)
      .map(([name, kind]) => `${name}: ${kind.failed} failed, ${firstText(failures, name)}`),
    ...kinds.filter(([, kind]) => kind.gone > 0).map(([name]) => `${name}: its pod was deleted`),
    ...kinds
      .filter(([, kind]) => kind.maxMs > BASELINE_LIMIT_MS)
      .map(([name, kind]) => `${name}: one request took ${seconds10(kind.maxMs)} s`),
    ...Object.entries(waitingMs)
      .filter(([, ms]) => ms > BASELINE_LIMIT_MS)
      .map(([name, ms]) => `${name}: one request without an answer for ${seconds10(ms)} s`),
    ...kinds.filter(([, kind]) => kind.ok === 0).map(([name]) => `${name}: no request succeeded`),
  ];
  return {
    clean: why.length === 0,
    seconds,
    requests: kinds.reduce((sum, [, kind]) => sum + kind.requests, 0),
    maxMs: Math.max(0, ...kinds.map(([, kind]) => kind.maxMs)),
    why,
  };
}

function firstText(failures: readonly Failure[], kind: string): string {
  const first = failures.find((failure) => failure.kind === kind);
  return first ? `first: ${first.class}: ${first.text}` : 'none of them on record';
}

const seconds10 = (ms: number): string => (ms / 1000).toFixed(1);
