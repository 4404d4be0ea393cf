import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCollector } from '../../../lab/load/full/collector.ts';
import { enter, reportOf } from '../../../lab/load/full/lines.ts';
import { type ClientPodSeen, seenIn } from '../../../lab/load/full/pods.ts';
import { createTally } from '../../../lab/load/tally.ts';

const logged = (report: object): string => `2026-11-25T02:24:56.1Z stdout F ${JSON.stringify(report)}`;
const second = (seq: number, t: number, more: object = {}) => ({
  seq,
  t,
  kind: 'pod-kept',
  ok: { '': [3, 4] },
  waitMs: 0,
  ...more,
});

describe('what a pod says', () => {
  it('is entered by kind and target', () => {
    const tally = createTally(['kubelet']);
    const report = { seq: 1, t: 5, kind: 'kubelet', ok: { 'cp1>w1 logs': [3, 9] }, waitMs: 7, cut: 1 };
    const failed = { target: 'cp1>w1 exec', class: 'certificate', text: 'x509: unknown authority', ms: 12 };
    const omitted = { ...report, ok: {}, cut: 0, omitted: { 'cp1>w1 exec': 4 } };
    for (const said of [report, { seq: 2, t: 6, kind: 'kubelet', failed }, omitted]) {
      const read = reportOf(logged(said));
      if (!read) throw new Error('not read');
      enter(tally, read);
    }
    expect(tally.summary().kubelet).toMatchObject({ requests: 8, ok: 2, failed: 5, cut: 1, maxMs: 12 });
    expect(tally.summary().kubelet?.targets).toEqual({
      'cp1>w1 exec': { ok: 0, failed: 5 },
      'cp1>w1 logs': { ok: 2, failed: 0 },
    });
    expect(tally.failures()).toMatchObject({ kept: [{ t: 6, class: 'certificate', ms: 12 }], omitted: 4 });
  });

  it.each([
    'here is agent-x 1795573506848',
    logged({ seq: 1 }),
    '2026-11-25T02:24:56.1Z stdout P {"seq":1',
    '2026-11-25T02:24:56.1Z stderr F {"seq":1,"t":2,"kind":"a","event":"start"}',
    '2026-11-25T02:24:56.1Z stdout F {"seq":1,"t":2,"ki}',
  ])('is no report: %s', (line) => expect(reportOf(line)).toBeUndefined());
});

describe('the collector', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
  afterEach(() => void vi.useRealTimers());

  function collecting() {
    const pod = (id: string): ClientPodSeen => ({
      id,
      kind: 'pod-kept',
      name: `pod-kept-${id}`,
      log: { node: 'w1', path: '/x' },
      startedAt: Date.now(),
    });
    let there = [pod('a/0')];
    const takes = new Map<string, (line: string) => void>();
    const collector = createCollector({
      look: async () => there,
      tail: (one, take) => {
        takes.set(one.id, take);
        return { stop: () => undefined };
      },
    });
    const tally = createTally(['pod-kept']);
    return {
      collector,
      tally,
      say: (report: object, id = 'a/0') => takes.get(id)?.(logged(report)),
      become: async (...ids: string[]) => {
        there = ids.map(pod);
        await vi.advanceTimersByTimeAsync(1_100);
      },
    };
  }

  it('enters what was done between open and close, once', async () => {
    const { collector, tally, say, become } = collecting();
    await become('a/0');
    say(second(1, Date.now() - 10));
    collector.open('pod-kept', tally);
    await vi.advanceTimersByTimeAsync(1_000);
    say(second(2, Date.now()));
    // A connection that broke begins anew with the first line.
    for (const [seq, ago] of [
      [1, 1_010],
      [2, 0],
    ] as const)
      say(second(seq, Date.now() - ago));
    expect(tally.summary()['pod-kept']).toMatchObject({ ok: 2 });
    collector.close('pod-kept');
    say(second(3, Date.now() + 1_000));
    expect(tally.summary()['pod-kept']).toMatchObject({ ok: 2 });
    expect(collector.heard('pod-kept')).toEqual([{ pod: 'pod-kept-a/0', until: Date.now() + 1_000 }]);
    collector.stop();
  });

  it('tells a pod that is replaced from a client that ends by itself', async () => {
    const { collector, tally, say, become } = collecting();
    await become('a/0');
    say(second(1, Date.now()));
    collector.open('pod-kept', tally);
    await become('b/0');
    expect(tally.summary()['pod-kept']).toMatchObject({ gone: 1, failed: 0 });
    say(second(1, Date.now() + 1), 'b/0');
    const restarted = Date.now();
    await become('b/1');
    expect(tally.summary()['pod-kept']).toMatchObject({ gone: 1, failed: 1, ok: 2 });
    // When it was, not when it was seen.
    expect(tally.failures().kept).toMatchObject([{ t: restarted }]);
    expect(collector.lives().map(({ name, to }) => [name, to !== undefined])).toEqual([
      ['pod-kept-a/0', true],
      ['pod-kept-b/0', true],
      ['pod-kept-b/1', false],
    ]);
    collector.stop();
  });

  it('says for how long a client is silent', async () => {
    const { collector, tally, say, become } = collecting();
    await become('a/0');
    say(second(1, Date.now(), { waitMs: 500 }));
    collector.open('pod-kept', tally);
    expect(collector.waitingMs()).toEqual({ 'pod-kept': 500 });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(collector.waitingMs()['pod-kept']).toBeGreaterThan(17_000);
    collector.stop();
  });
});

describe("the load's pods", () => {
  const status = {
    containerStatuses: [{ name: 'client', restartCount: 2, state: { running: { startedAt: '2026-11-25T02:24:56Z' } } }],
  };
  const metadata = {
    name: 'vip-cp1',
    namespace: 'kube-system',
    uid: 'u',
    labels: { 'reroot.dev/load-client': 'static-pod' },
  };
  it('have their logs where the kubelet keeps them, static pods by the hash of their manifest', () => {
    const annotations = { 'kubernetes.io/config.hash': 'h' };
    const items = [{ metadata: { ...metadata, annotations }, spec: { nodeName: 'cp1' }, status }];
    expect(seenIn({ items })).toMatchObject([
      { id: 'h/2', kind: 'static-pod', log: { node: 'cp1', path: '/var/log/pods/kube-system_vip-cp1_h/client/2.log' } },
    ]);
  });
  it('are not seen while they do not run, or are about to go', () => {
    const spec = { nodeName: 'cp1' };
    const going = { ...metadata, deletionTimestamp: '2026-11-25T02:24:56Z' };
    expect(
      seenIn({
        items: [
          { metadata: going, spec, status },
          { metadata, spec, status: {} },
        ],
      }),
    ).toEqual([]);
  });
});
