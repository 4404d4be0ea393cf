import { describe, expect, it } from 'vitest';
import { judgeBaseline } from '../../../lab/load/baseline.ts';
import { BadAnswer, type Failure } from '../../../lab/load/failure.ts';
import { createRecorder } from '../../../lab/load/recorder.ts';
import { createTally } from '../../../lab/load/tally.ts';

const failure = (kind: string, more: Partial<Failure> = {}): Failure => ({
  t: 5,
  kind,
  class: 'timeout',
  text: 'slow',
  ms: 40,
  ...more,
});

describe('the tally', () => {
  it('counts by kind and by target, and keeps every failure', () => {
    const tally = createTally(['kept', 'kubelet']);
    tally.ok({ kind: 'kept', ms: 3, resent: true });
    tally.ok({ kind: 'kubelet', target: 'cp1>w1', ms: 7 });
    tally.failed(failure('kubelet', { target: 'cp2>w1' }));
    tally.gone('kept');
    tally.cut('kept');

    const { kept, kubelet } = tally.summary();

    expect(kept).toEqual({ requests: 2, ok: 1, failed: 0, gone: 1, cut: 1, resent: 1, maxMs: 3, p99Ms: 3, p50Ms: 3 });
    expect(kubelet).toMatchObject({ requests: 2, ok: 1, failed: 1, maxMs: 40 });
    expect(kubelet?.targets).toEqual({ 'cp1>w1': { ok: 1, failed: 0 }, 'cp2>w1': { ok: 0, failed: 1 } });
    expect(tally.failures()).toEqual({ kept: [failure('kubelet', { target: 'cp2>w1' })], omitted: 0 });
  });

  it('gives each second its own counts', () => {
    const tally = createTally(['kept', 'fresh']);
    for (let ms = 1; ms <= 200; ms++) tally.ok({ kind: 'kept', ms });
    tally.failed(failure('fresh'));
    expect(tally.second()).toEqual({
      kept: { ok: 200, failed: 0, p99ms: 198 },
      fresh: { ok: 0, failed: 1, p99ms: 40 },
    });
    expect(tally.second()).toEqual({ kept: { ok: 0, failed: 0, p99ms: 0 }, fresh: { ok: 0, failed: 0, p99ms: 0 } });
    expect(tally.summary().kept).toMatchObject({ p50Ms: 100, p99Ms: 198, maxMs: 200 });
  });

  it('counts failures that it no longer keeps one by one', () => {
    const tally = createTally(['kept']);
    for (let n = 0; n < 20_003; n++) tally.failed(failure('kept'));
    expect(tally.summary().kept?.failed).toBe(20_003);
    expect(tally.failures().omitted).toBe(3);
    expect(tally.failures().kept).toHaveLength(20_000);
  });
});

describe('the recorder', () => {
  it('enters what a request came to, when, and how long it took', async () => {
    let now = 1_000;
    const tally = createTally(['kept']);
    const { attempt } = createRecorder(tally, () => now);
    const later = (ms: number, act: () => never) => async () => {
      now += ms;
      return act();
    };
    const refuse = (): never => {
      throw new BadAnswer(401, 'Unauthorized');
    };

    expect(await attempt({ kind: 'kept', target: 'x' }, later(25, refuse))).toBeUndefined();
    await attempt({ kind: 'kept', excused: async () => true }, later(5, refuse));
    await attempt({ kind: 'kept', excused: async () => false }, later(5, refuse));

    const [first] = tally.failures().kept;
    expect(first).toEqual({
      t: 1_025,
      kind: 'kept',
      target: 'x',
      class: 'authentication',
      text: 'HTTP 401: Unauthorized',
      ms: 25,
    });
    expect(tally.summary().kept).toMatchObject({ requests: 3, ok: 0, failed: 2, cut: 1 });
  });

  it('says how long the oldest request under way has waited', async () => {
    let now = 0;
    const { attempt, waitingMs } = createRecorder(createTally(['kept', 'fresh']), () => now);
    let answer = (): void => {};
    const hanging = attempt(
      { kind: 'kept' },
      () => new Promise((resolve) => (answer = () => resolve({ body: '', resent: false }))),
    );
    now = 12_000;
    expect(waitingMs()).toEqual({ kept: 12_000 });
    answer();
    await hanging;
    expect(waitingMs()).toEqual({});
  });
});

describe('the baseline', () => {
  const judge = (act: (tally: ReturnType<typeof createTally>) => void, waitingMs = {}) => {
    const tally = createTally(['kept', 'fresh']);
    for (const kind of ['kept', 'fresh']) tally.ok({ kind, ms: 5 });
    act(tally);
    return judgeBaseline({ seconds: 20, clients: tally.summary(), failures: tally.failures().kept, waitingMs });
  };

  it('is clean when everything succeeded in time', () => {
    expect(judge((tally) => tally.ok({ kind: 'kept', ms: 10_000 }))).toEqual({
      clean: true,
      seconds: 20,
      requests: 3,
      maxMs: 10_000,
      why: [],
    });
  });

  it.each([
    [
      'a failure',
      (tally: ReturnType<typeof createTally>) => tally.failed(failure('kept')),
      {},
      'kept: 1 failed, first: timeout: slow',
    ],
    [
      'a slow request',
      (tally: ReturnType<typeof createTally>) => tally.ok({ kind: 'fresh', ms: 10_400 }),
      {},
      'fresh: one request took 10.4 s',
    ],
    ['one that has no answer yet', () => {}, { fresh: 15_000 }, 'fresh: one request without an answer for 15.0 s'],
    [
      'a pod that went away',
      (tally: ReturnType<typeof createTally>) => tally.gone('kept'),
      {},
      'kept: its pod was deleted',
    ],
  ])('is not clean with %s', (_, act, waiting, why) => {
    expect(judge(act, waiting)).toMatchObject({ clean: false, why: [why] });
  });

  it('is not clean when a client did nothing at all', () => {
    const clients = createTally(['kept']).summary();
    expect(judgeBaseline({ seconds: 20, clients, failures: [], waitingMs: {} })).toMatchObject({
      clean: false,
      why: ['kept: no request succeeded'],
    });
  });
});
