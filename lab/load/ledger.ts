// Which of the writer's numbered operations the watch has seen. A watch delivers in the order of the writes (one writer, one
// operation at a time), so an event for a later operation proves that every earlier confirmed one was missed.

export interface Sighting {
  /** Milliseconds from the writer's confirmation to the event; 0 when the event came first. undefined: seen before, or given up. */
  lagMs?: number;
  /** Confirmed operations that this event proves missed. Each is told once. */
  missed: number[];
}

export interface Ledger {
  /** The API server said that the operation is done. One that failed is never confirmed: its event may come or not. */
  confirmed(op: number, at: number): void;
  saw(op: number, at: number): Sighting;
  /** Confirmed operations without an event for `patienceMs` or longer. Each is told once, and is no longer waited for. */
  overdue(at: number, patienceMs: number): number[];
  /** How many confirmed operations wait for their events. */
  waiting(): number;
  /** How long the oldest confirmed operation has waited for its event; 0 when none does. */
  oldestWaitMs(at: number): number;
}

export function createLedger(): Ledger {
  const waiting = new Map<number, number>();
  // Only the recent past can come twice, or come before the writer's confirmation.
  const seen = new Set<number>();
  return {
    confirmed(op, at) {
      if (!seen.has(op)) waiting.set(op, at);
    },
    saw(op, at) {
      const repeated = seen.has(op);
      const since = waiting.get(op);
      waiting.delete(op);
      seen.add(op);
      seen.delete(op - 1_000);
      const missed = [...waiting.keys()].filter((other) => other < op);
      for (const other of missed) waiting.delete(other);
      return repeated ? { missed } : { lagMs: since === undefined ? 0 : Math.max(0, at - since), missed };
    },
    overdue(at, patienceMs) {
      const late = [...waiting].filter(([, since]) => at - since >= patienceMs).map(([op]) => op);
      for (const op of late) {
        waiting.delete(op);
        seen.add(op);
      }
      return late;
    },
    waiting: () => waiting.size,
    oldestWaitMs: (at) => Math.max(0, ...[...waiting.values()].map((since) => at - since)),
  };
}

/** What happens to the writer's n-th object, in this order. */
export const STAGES = ['ADDED', 'MODIFIED', 'DELETED'] as const;
export type Stage = (typeof STAGES)[number];

/** The number of one operation: objects are numbered from 0, each has three. */
export const opOf = (object: number, stage: Stage): number => object * STAGES.length + STAGES.indexOf(stage);

/** `n-17/MODIFIED`, for people. */
export const nameOfOp = (op: number): string => `n-${Math.floor(op / STAGES.length)}/${STAGES[op % STAGES.length]}`;
