// A runner that slept past its Lease changes nothing any more, though nobody has told it yet.

import { describe, expect, it } from 'vitest';
import type { State } from '../../../src/core/model/state.ts';
import type { Step } from '../../../src/core/model/step.ts';
import type { Topology } from '../../../src/core/model/topology.ts';
import type { Context } from '../../../src/rotate/context.ts';
import type { RotationEvent } from '../../../src/rotate/events.ts';
import { finishRetired, finishRolledBack } from '../../../src/rotate/finish.ts';
import { folderAt } from '../../../src/rotate/folder.ts';
import { begin } from '../../../src/rotate/open.ts';
import { runStep } from '../../../src/rotate/run-step.ts';

/** The Lease is found lost at the look with this number. */
function sleeper(lostAt: number) {
  const stop = new AbortController();
  const events: Partial<RotationEvent>[] = [];
  let looks = 0;
  const untouched = () => {
    throw new Error('something was changed');
  };
  const ctx = {
    now: () => 0,
    signal: stop.signal,
    checkLease: () => {
      looks += 1;
      if (looks >= lostAt) stop.abort();
    },
    emit: (event: Partial<RotationEvent>) => void events.push(event),
    accessOf: untouched,
    folders: [folderAt('cp1', '/none')],
    materials: [],
    inventory: { stores: [] },
    record: { steps: [], evidence: [] },
  } as unknown as Context;
  return { ctx, events };
}

const step = {
  id: 'issue.kubernetes.signer.cp1',
  move: 'issue',
  authority: 'kubernetes',
  title: 'sign with new',
  action: { do: 'write', stores: ['file/cp1:/x'], value: 'new' },
  effects: [],
  gate: [],
  proof: [],
  blockers: [],
} as unknown as Step;

describe('a Lease that ran out while this machine slept', () => {
  it.each([
    ['before a step', 1],
    ['while its gate was waited for', 2],
  ])('%s: the step does not begin', async (_, lostAt) => {
    const { ctx, events } = sleeper(lostAt);

    await expect(runStep(ctx, {} as Topology, {} as State, step)).rejects.toMatchObject({
      exitCode: 130,
      message: 'interrupted before: sign with new',
    });

    expect(ctx.record.steps).toEqual([]);
    expect(events).toEqual([]);
  });

  it.each([
    ['a beginning, whose leftovers may be the keys of another by now', begin],
    ['the end of a rotation', finishRetired],
    ['the end of a rollback', finishRolledBack],
  ])('%s: nothing is taken away', async (_, part) => {
    const { ctx, events } = sleeper(1);

    await expect(part(ctx)).rejects.toMatchObject({ exitCode: 130 });

    expect(events).toEqual([]);
  });
});
