// What may fail before retire without being reroot's fault, and no more of it than that. No I/O.

import type { RotationEvent } from '../../src/rotate/events.ts';
import type { Failure } from '../load/failure.ts';

export type Excuse = 'kubelet-restart' | 'kubelet-client-swap' | 'static-pod-restart';

/** Milliseconds around a kubelet's restart in which a request through it may fail. */
const RESTART_SLACK = 1_000;
/** Where reroot makes the first handshake itself, what runs through that API server is cut about then (trap 26). Milliseconds. */
const SWAP_SLACK = 3_000;
/** Requests over connections that were kept make no handshake: then an exec or another stream makes the first, at most so much later (C:transport/cert_rotation.go). */
const SWAP_LIMIT = 300_000;
/** Whatever one handshake cuts is cut at one moment, and told of about then. Milliseconds. */
const AT_ONCE = 3_000;
const CUT = /use of closed network connection|connection reset|EOF|abnormal closure/;
const STREAMED = / (exec|port-forward|follow)$/;

/** The write of each API server's certificate, and the first handshakes that reroot makes with it: both are one swap (src/core/plan/issue.ts). */
const SWAP = /^(.*\.to-kubelets)(?:\.(.+))?$/;

const STREAMS = 'kubelet-stream';

interface Span {
  from: number;
  to: number;
}

/**
 * Judges failures one after another, for excuses are used up:
 * - a request or a stream through a kubelet while that kubelet restarts;
 * - the end of a client in a static pod that is restarted by plan (trap 14);
 * - one request through an API server for each swap of the certificate that it presents to kubelets, and every stream (exec and port-forward are such) that the swap cuts, at one moment.
 * Targets are `cp1>w1` or `cp1>w1 logs`: API server, kubelet, what was asked.
 */
export function excuses(events: readonly RotationEvent[]): (failure: Failure) => Excuse | undefined {
  const restarts = spansOf(events, 'restart', ({ party }) =>
    party?.endsWith('/kubelet') || party?.startsWith('pod/') ? party : undefined,
  );
  const swaps = spansOf(events, 'step', ({ step }) => (SWAP.test(step ?? '') ? step : undefined));
  const used = new Set<string>();
  const cutAt = new Map<string, number>();
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
      const [, swap, of] = SWAP.exec(step) ?? [];
      if (of !== undefined && of !== 'nudge' && of !== server) continue;
      const one = `${swap} ${server}`;
      const first = cutAt.get(one) ?? t;
      const later = spans.some(({ to }) => t >= to && t - to <= SWAP_LIMIT) && CUT.test(text);
      const soon = spans.some((span) => meets(span, SWAP_SLACK));
      if (!soon && !(later && Math.abs(t - first) <= AT_ONCE)) continue;
      if (CUT.test(text)) cutAt.set(one, first);
      if (kind === STREAMS || (STREAMED.test(target) && CUT.test(text))) return 'kubelet-client-swap';
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
