// Whether "it was not started since, and its file has been back for long enough" is enough to say what a pod holds: pods that live by
// chance, and the rule asked at every moment of their lives.

import { describe, expect, it } from 'vitest';
import { isTakenUp, LONGEST_REREAD, startedBefore } from '../../../src/core/catalog/untouched.ts';
import type { Trust } from '../../../src/core/model/value.ts';
import { type Random, random } from '../../simulator/random.ts';

const SECOND = 1_000;
const BEGUN = 1_000_000_000_000;
const END = 3_600 * SECOND;
/** A kubelet tells of a container's start within this. */
const STATUS_LAG = 60 * SECOND;

/** The file's contents with the moment of each, after the begin: old, both, new, and all the way back. */
function fileLife(r: Random): { at: number; value: Trust }[] {
  const ways: Trust[][] = [
    ['old', 'both', 'new', 'both', 'old'],
    ['old', 'both', 'new', 'old'],
    ['old', 'both', 'old'],
  ];
  let at = 0;
  return r.pick(ways).map((value, i) => {
    if (i > 0) at += (20 + r.below(700)) * SECOND;
    return { at, value };
  });
}

interface Client {
  /** When its container starts, all relative to the begin. */
  starts: number[];
  /** Re-reads lazily: at a request, when the last look is five minutes old (C:transport/ca_rotation.go). */
  requests: number[] | undefined;
}

function client(r: Random): Client {
  const starts = [-r.below(5_000) * SECOND - r.below(SECOND)];
  while (r.chance(0.3)) starts.push(r.below(END));
  const requests = r.chance(0.5) ? Array.from({ length: 200 }, () => r.below(END)).sort((a, b) => a - b) : undefined;
  return { starts: starts.sort((a, b) => a - b), requests };
}

const valueAt = (file: readonly { at: number; value: Trust }[], at: number): Trust =>
  file.reduce((held, change) => (change.at <= at ? change.value : held), 'old' as Trust);

/** What the client verifies with if it speaks to a server at this moment. */
function heldAt(file: readonly { at: number; value: Trust }[], { starts, requests }: Client, now: number): Trust {
  const started = starts.filter((at) => at <= now).at(-1) as number;
  let held = valueAt(file, started);
  let looked = started;
  for (const at of [...(requests ?? []).filter((one) => one > started && one < now), ...(requests ? [now] : [])]) {
    if (at - looked < LONGEST_REREAD) continue;
    held = valueAt(file, at);
    looked = at;
  }
  return held;
}

/** What the API says of the youngest container: whole seconds, and late. */
const toldStart = (clients: readonly Client[], now: number): number =>
  Math.max(
    ...clients.map(({ starts }) => {
      const known = starts.filter((at) => at <= 0 || at <= now - STATUS_LAG).at(-1) as number;
      return Math.floor((BEGUN + known) / SECOND) * SECOND;
    }),
  );

/** The rule as proofs and catalogue put it together. */
function isShown(file: readonly { at: number; value: Trust }[], told: number, now: number, keep: readonly Trust[]) {
  const last = file.filter(({ at }) => at <= now).at(-1) as { at: number; value: Trust };
  return (
    startedBefore({ begunAt: { n1: BEGUN } }, { node: 'n1', lastStartedAt: told }) &&
    keep.includes('old') &&
    keep.includes(last.value) &&
    isTakenUp({ changedAt: last.at, now })
  );
}

const LIVES = 1_500;

describe('a pod that nothing was started in since the rotation began', () => {
  it('holds what it is said to hold, at every moment at which the rule says so', () => {
    let said = 0;
    for (let seed = 0; seed < LIVES; seed++) {
      const r = random(seed);
      const file = fileLife(r);
      const clients = [client(r), client(r)];
      const keep: Trust[] = r.chance(0.5) ? ['old'] : ['old', 'both'];
      for (let now = STATUS_LAG; now < END; now += 47 * SECOND) {
        if (!isShown(file, toldStart(clients, now), now, keep)) continue;
        said++;
        for (const one of clients) {
          const held = heldAt(file, one, now);
          if (!keep.includes(held))
            expect.fail(`seed ${seed} at ${now}: it holds ${held} (${JSON.stringify(one.starts)})`);
        }
      }
    }
    expect(said).toBeGreaterThan(LIVES);
  });

  const without: Record<string, (told: number, now: number, since: number) => boolean> = {
    'the containers’ starts': (_told, now, since) => now - since > LONGEST_REREAD,
    'the time a re-read takes': (told, now, since) => told + 5_000 < BEGUN && now >= since,
  };
  it.each(Object.keys(without))('and without %s somebody holds something else', (what) => {
    const rule = without[what] as (told: number, now: number, since: number) => boolean;
    const wrong = Array.from({ length: 300 }, (_, seed) => {
      const r = random(seed);
      const file = fileLife(r);
      const clients = [client(r), client(r)];
      const since = file.at(-1)?.at ?? 0;
      for (let now = STATUS_LAG; now < END; now += 47 * SECOND) {
        if (now < since || !rule(toldStart(clients, now), now, since)) continue;
        if (clients.some((one) => heldAt(file, one, now) !== 'old')) return true;
      }
      return false;
    });
    expect(wrong.filter(Boolean).length).toBeGreaterThan(10);
  });

  it('is not taken for one where a clock, a start or the beginning is not known', () => {
    const pod = { node: 'n1', lastStartedAt: BEGUN - 60_000 };
    expect(startedBefore({ begunAt: { n1: BEGUN } }, pod)).toBe(true);
    expect(startedBefore({}, pod)).toBe(false);
    expect(startedBefore({ begunAt: { other: BEGUN } }, pod)).toBe(false);
    expect(startedBefore({ begunAt: { n1: BEGUN } }, { node: 'n1' })).toBe(false);
    expect(startedBefore({ begunAt: { n1: BEGUN } }, { ...pod, lastStartedAt: BEGUN - 4_000 })).toBe(false);
  });
});
