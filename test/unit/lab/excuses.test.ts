import { describe, expect, it } from 'vitest';
import { excuses } from '../../../lab/demo/excuses.ts';
import type { Failure } from '../../../lab/load/failure.ts';
import type { RotationEvent } from '../../../src/rotate/events.ts';

const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();
const restart = (seconds: number, party: string, state: string): RotationEvent => ({
  time: at(seconds),
  type: 'restart',
  party,
  message: '',
  data: { state },
});
const nudge = (seconds: number, state: string): RotationEvent => ({
  time: at(seconds),
  type: 'step',
  step: 'issue.kubernetes.to-kubelets.nudge',
  message: '',
  data: { state },
});
const failure = (seconds: number, target: string, more: Partial<Failure> = {}): Failure => ({
  t: seconds * 1_000,
  kind: 'kubelet',
  target,
  class: 'http-5xx',
  text: '',
  ms: 20,
  ...more,
});

describe('excuses', () => {
  const events = [
    restart(100, 'w1/kubelet', 'begin'),
    restart(104, 'w1/kubelet', 'done'),
    nudge(200, 'begin'),
    nudge(204, 'done'),
  ];

  it('are for requests through the kubelet that restarts, while it does', () => {
    const excuseOf = excuses(events);
    for (const t of [99.5, 102, 104.9]) expect(excuseOf(failure(t, 'cp1>w1 logs'))).toBe('kubelet-restart');
    expect(excuseOf(failure(110, 'cp1>w1 logs', { ms: 8_000 }))).toBe('kubelet-restart');
    expect(excuseOf(failure(102, 'cp1>w2 logs'))).toBeUndefined();
    expect(excuseOf(failure(106, 'cp1>w1 logs'))).toBeUndefined();
    expect(excuseOf(failure(102, '', { kind: 'kept' }))).toBeUndefined();
  });

  it('are for one request of each API server and swap, and for all its streams', () => {
    const excuseOf = excuses(events);
    expect(excuseOf(failure(201, 'cp1>w1 exec'))).toBe('kubelet-client-swap');
    expect(excuseOf(failure(201, 'cp1>w2 logs'))).toBeUndefined();
    expect(excuseOf(failure(201, 'cp2>w2 logs'))).toBe('kubelet-client-swap');
    for (const node of ['w1', 'w2'])
      expect(excuseOf(failure(203, `cp1>${node} follow`, { kind: 'kubelet-stream' }))).toBe('kubelet-client-swap');
    expect(excuseOf(failure(230, 'cp3>w1 follow', { kind: 'kubelet-stream' }))).toBeUndefined();
  });

  it('count from the write of that API server’s certificate on: a client may make the first handshake before reroot does', () => {
    const write = (server: string, seconds: number, state: string): RotationEvent => ({
      ...nudge(seconds, state),
      step: `issue.kubernetes.to-kubelets.${server}`,
    });
    const swaps = [write('cp1', 180, 'begin'), write('cp1', 183, 'done'), write('cp2', 190, 'begin')];
    const excuseOf = excuses([...swaps, ...events]);
    const cut = (t: number, target: string) => excuseOf(failure(t, target, { kind: 'kubelet-stream', text: 'EOF' }));
    expect(cut(182, 'cp1>w1 follow')).toBe('kubelet-client-swap');
    expect(cut(182, 'cp2>w1 follow')).toBeUndefined();
    // Both steps are one swap: one request, whichever of them it met.
    expect(excuseOf(failure(182, 'cp1>w1 logs'))).toBe('kubelet-client-swap');
    expect(excuseOf(failure(202, 'cp1>w1 logs'))).toBeUndefined();
  });

  it('are for what the first new handshake cuts where it comes later, at one moment, and only for what says that it was cut', () => {
    const excuseOf = excuses(events);
    const cut = (t: number, target: string) =>
      excuseOf(failure(t, target, { text: 'read tcp 10.0.0.1:1->10.0.0.2:10250: use of closed network connection' }));
    expect(
      excuseOf(failure(250, 'cp1>w1 exec', { text: 'x509: certificate signed by unknown authority' })),
    ).toBeUndefined();
    for (const target of ['cp1>w1 exec', 'cp1>w2 port-forward', 'cp1>cp1 logs'])
      expect(cut(250, target)).toBe('kubelet-client-swap');
    expect(cut(250.2, 'cp1>w2 logs')).toBeUndefined();
    expect(cut(280, 'cp1>w1 exec')).toBeUndefined();
    expect(cut(290, 'cp2>w1 exec')).toBe('kubelet-client-swap');
    expect(cut(600, 'cp3>w1 exec')).toBeUndefined();
  });
});
