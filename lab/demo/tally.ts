// What the demo's last line says, from the load's summary, reroot's events and the supervisor's start times. No I/O.

import type { RotationEvent } from '../../src/rotate/events.ts';
import type { Failure } from '../load/failure.ts';
import type { LoadSummary } from '../load/summary.ts';
import { excuses } from './excuses.ts';

export interface SupervisorEvent {
  t: number;
  ev: string;
  node: string;
  component: string;
}

export interface Availability {
  /** The failures behind `failedBeforeRetire`. */
  before: Failure[];
  requests: number;
  failedBeforeRetire: number;
  failedAfterRetire: Record<string, number>;
  /** Requests through a kubelet that its own restart or the swap of the API server's certificate cut, by why; counted apart. */
  excused: Record<string, number>;
}

/** When retire's first step began; Infinity when it never did. */
export function retireBegan(events: readonly RotationEvent[]): number {
  const first = events.find(
    (event) => event.type === 'step' && event.move === 'retire' && event.data?.state === 'begin',
  );
  return first ? Date.parse(first.time) : Number.POSITIVE_INFINITY;
}

export function availability(summary: LoadSummary, events: readonly RotationEvent[]): Availability {
  const began = retireBegan(events);
  const excused: Record<string, number> = {};
  const failedAfterRetire: Record<string, number> = {};
  const before: Failure[] = [];
  const excuseOf = excuses(events);
  for (const failure of summary.failures) {
    const excuse = excuseOf(failure);
    if (excuse) excused[excuse] = (excused[excuse] ?? 0) + 1;
    else if (failure.t < began) before.push(failure);
    else failedAfterRetire[failure.kind] = (failedAfterRetire[failure.kind] ?? 0) + 1;
  }
  const requests = Object.values(summary.clients).reduce((sum, kind) => sum + kind.requests, 0);
  return { requests, failedBeforeRetire: before.length, failedAfterRetire, excused, before };
}

/** Restarts of each component since a moment: the most of any instance, from the supervisor's starts. Components that never did are 0. */
export function restartsSince(
  log: readonly SupervisorEvent[],
  since: number,
  components: readonly string[],
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { t, ev, node, component } of log) {
    if (ev === 'start' && t >= since) counts.set(`${node}/${component}`, (counts.get(`${node}/${component}`) ?? 0) + 1);
  }
  return Object.fromEntries(
    components.map((component) => [
      component,
      Math.max(0, ...[...counts].filter(([id]) => id.endsWith(`/${component}`)).map(([, count]) => count)),
    ]),
  );
}
