// The load's books: what each client kind asked, what came of it, how long it took. No I/O; times come in from outside.

import type { Failure } from './failure.ts';

/** Failures that are kept one by one; more than these are still counted, and `omitted` says how many. */
const KEPT_FAILURES = 20_000;
/** Latencies are counted by the millisecond up to here; longer ones share the last place, `maxMs` has the true one. */
const LONGEST_MS = 31_000;

export interface TargetCount {
  ok: number;
  failed: number;
}

export interface KindSummary {
  /** ok + failed + cut. */
  requests: number;
  ok: number;
  failed: number;
  /** How often the pod that the client ran in was deleted, and the client ended with it. */
  gone: number;
  /** Requests that were refused because that pod was gone: its client would not have lived to see it. */
  cut: number;
  /** Of `ok`: went out twice, by net/http's rule for reused connections. */
  resent: number;
  maxMs: number;
  p99Ms: number;
  p50Ms: number;
  targets?: Record<string, TargetCount>;
}

export interface SecondOfKind {
  ok: number;
  failed: number;
  p99ms: number;
}

export interface Outcome {
  kind: string;
  ms: number;
  target?: string;
  resent?: boolean;
}

export interface Tally {
  ok(outcome: Outcome): void;
  failed(failure: Failure): void;
  /** Failures of which only the number is known. */
  omitted(kind: string, count: number, target?: string): void;
  gone(kind: string): void;
  cut(kind: string): void;
  /** What came in since the last call, by kind. */
  second(): Record<string, SecondOfKind>;
  summary(): Record<string, KindSummary>;
  failures(): { kept: Failure[]; omitted: number };
}

interface Book extends Omit<KindSummary, 'requests' | 'p99Ms' | 'p50Ms' | 'targets'> {
  byMs: Uint32Array;
  targets: Map<string, TargetCount>;
  second: { ok: number; failed: number; ms: number[] };
}

export function createTally(kinds: readonly string[]): Tally {
  const books = new Map(kinds.map((kind) => [kind, emptyBook()]));
  const failures: Failure[] = [];
  let omitted = 0;
  const bookOf = (kind: string): Book => {
    const book = books.get(kind);
    if (!book) throw new Error(`no client kind ${kind} in this run`);
    return book;
  };
  const enter = (kind: string, what: 'ok' | 'failed', ms: number, target?: string, resent = false): void => {
    const book = bookOf(kind);
    book[what] += 1;
    book.second[what] += 1;
    book.second.ms.push(ms);
    book.maxMs = Math.max(book.maxMs, ms);
    if (resent) book.resent += 1;
    const place = Math.min(LONGEST_MS, Math.round(ms));
    book.byMs[place] = (book.byMs[place] ?? 0) + 1;
    if (target !== undefined) countTarget(book.targets, target, what);
  };
  return {
    ok: ({ kind, ms, target, resent }) => enter(kind, 'ok', ms, target, resent),
    failed(failure) {
      enter(failure.kind, 'failed', failure.ms, failure.target);
      if (failures.length < KEPT_FAILURES) failures.push(failure);
      else omitted += 1;
    },
    omitted(kind, count, target) {
      const book = bookOf(kind);
      book.failed += count;
      book.second.failed += count;
      omitted += count;
      if (target !== undefined) countTarget(book.targets, target, 'failed', count);
    },
    gone(kind) {
      bookOf(kind).gone += 1;
    },
    cut(kind) {
      bookOf(kind).cut += 1;
    },
    second: () => Object.fromEntries([...books].map(([kind, book]) => [kind, takeSecond(book)])),
    summary: () => Object.fromEntries([...books].map(([kind, book]) => [kind, summaryOf(book)])),
    failures: () => ({ kept: failures, omitted }),
  };
}

const emptyBook = (): Book => ({
  ok: 0,
  failed: 0,
  gone: 0,
  cut: 0,
  resent: 0,
  maxMs: 0,
  byMs: new Uint32Array(LONGEST_MS + 1),
  targets: new Map(),
  second: { ok: 0, failed: 0, ms: [] },
});

function countTarget(targets: Map<string, TargetCount>, target: string, what: 'ok' | 'failed', by = 1): void {
  const count = targets.get(target) ?? { ok: 0, failed: 0 };
  count[what] += by;
  targets.set(target, count);
}

function takeSecond(book: Book): SecondOfKind {
  const { ok, failed, ms } = book.second;
  book.second = { ok: 0, failed: 0, ms: [] };
  ms.sort((a, b) => a - b);
  return { ok, failed, p99ms: Math.round(ms[Math.ceil(ms.length * 0.99) - 1] ?? 0) };
}

function summaryOf({ ok, failed, gone, cut, resent, maxMs, byMs, targets }: Book): KindSummary {
  return {
    requests: ok + failed + cut,
    ok,
    failed,
    gone,
    cut,
    resent,
    maxMs: Math.round(maxMs),
    p99Ms: percentile(byMs, 0.99),
    p50Ms: percentile(byMs, 0.5),
    ...(targets.size > 0 ? { targets: Object.fromEntries([...targets].sort(([a], [b]) => (a < b ? -1 : 1))) } : {}),
  };
}

/** The smallest millisecond at or below which the given part of all latencies lies; 0 when there were none. */
function percentile(byMs: Uint32Array, part: number): number {
  let left = Math.ceil(byMs.reduce((sum, count) => sum + count, 0) * part);
  if (left === 0) return 0;
  return byMs.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
}
