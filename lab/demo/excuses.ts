// What may fail before retire without being reroot's fault, and no more of it than that. No I/O.

import type { RotationEvent } from '../../src/rotate/events.ts';
import type { Failure } from '../load/failure.ts';

export type Excuse = 'kubelet-restart' | 'kubelet-client-swap' | 'static-pod-restart';

/** Milliseconds around a kubelet's restart in which a request through it may fail. */
const RESTART_SLACK = 1_000;
/** The first handshake after a swap cuts what runs through that API server (trap 26); the file is re-read once a second at most. */
const SWAP_SLACK = 3_000;

const STREAMS = 'kubelet-stream';

interface Span {
  from: number;
  to: number;
}

/**
 * Judges failures one after another, for excuses are used up:
 * - a request or a stream through a kubelet while that kubelet restarts;
 * - the end of a client in a static pod that is restarted by plan (trap 14);
 * - one request through an API server for each swap of the certificate that it presents to kubelets, and every stream that the swap cuts.
 * Targets are `cp1>w1` or `cp1>w1 logs`: API server, kubelet, what was asked.
 */
export function excuses(events: readonly RotationEvent[]): (failure: Failure) => Excuse | undefined {
  const restarts = spansOf(events, 'restart', ({ party }) =>
    party?.endsWith('/kubelet') || party?.startsWith('pod/') ? party : undefined,
  );
  const swaps = spansOf(events, 'step', ({ step }) => (/kubelet-client|nudge/.test(step ?? '') ? step : undefined));
  const used = new Set<string>();
  return ({ kind, target = '', text, t, ms }) => {
    if (kind === 'static-pod') {
      const ended = /^the client of (\S+) ended by itself$/.exec(text)?.[1];
      const spans = restarts.get(`pod/kube-system/${ended}`) ?? [];
      return spans.some(({ from, to }) => from - RESTART_SLACK <= t && to + RESTART_SLACK >= t)
        ? 'static-pod-restart'
        : undefined;
    }
    if (kind !== 'kubelet' && kind !== STREAMS) return undefined;
    const [, server, node] = /^(\S+?)>(\S+)/.exec(target) ?? [];
    const meets = ({ from, to }: Span, slack: number): boolean => from - slack <= t && to + slack >= t - ms;
    if ((restarts.get(`${node}/kubelet`) ?? []).some((span) => meets(span, RESTART_SLACK))) return 'kubelet-restart';
    for (const [step, spans] of swaps) {
      if (!spans.some((span) => meets(span, SWAP_SLACK))) continue;
      if (kind === STREAMS) return 'kubelet-client-swap';
      const one = `${step} ${server}`;
      if (used.has(one)) continue;
      used.add(one);
      return 'kubelet-client-swap';
    }
    return undefined;
  };
}

/** From each event that begins something to the next one of it; one that nothing follows is a moment. */
function spansOf(
  events: readonly RotationEvent[],
  type: RotationEvent['type'],
  idOf: (event: RotationEvent) => string | undefined,
): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  for (const event of events) {
    const id = event.type === type ? idOf(event) : undefined;
    if (id === undefined) continue;
    const at = Date.parse(event.time);
    const list = spans.get(id) ?? [];
    const last = list.at(-1);
    if (event.data?.state === 'begin' || !last) list.push({ from: at, to: at });
    else last.to = at;
    spans.set(id, list);
  }
  return spans;
}
