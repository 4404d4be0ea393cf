import { describe, expect, it } from 'vitest';
import {
  annotationsFor,
  isRolledOut,
  notRollingBecause,
  progressOf,
  type Workload,
  wasAsked,
} from '../../../src/rotate/workload.ts';

const workload = (spec: Workload['spec'], status: Workload['status'] = {}, generation = 2): Workload => ({
  metadata: { name: 'w', generation },
  spec,
  status: { observedGeneration: 2, ...status },
});

describe('a workload that was annotated', () => {
  it('is known by the move it was annotated for, and asked once', () => {
    const annotations = annotationsFor('r1/retire', '2026-11-25T00:00:00Z');
    expect(annotations['kubectl.kubernetes.io/restartedAt']).toBe('2026-11-25T00:00:00Z');
    const asked = workload({ template: { metadata: { annotations } } });
    expect(wasAsked(asked, 'r1/retire')).toBe(true);
    expect(wasAsked(asked, 'r1/trust')).toBe(false);
    expect(wasAsked(workload({}), 'r1/retire')).toBe(false);
  });

  const held: [string, string, Workload['spec']][] = [
    ['a paused Deployment', 'Deployment', { paused: true }],
    ['OnDelete', 'DaemonSet', { updateStrategy: { type: 'OnDelete' } }],
    ['OnDelete', 'StatefulSet', { updateStrategy: { type: 'OnDelete' } }],
    ['a partition', 'StatefulSet', { updateStrategy: { rollingUpdate: { partition: 2 } } }],
  ];
  it.each(held)('is not rolled out with %s (%s)', (_, kind, spec) => {
    expect(notRollingBecause(kind, workload(spec))).toBeTypeOf('string');
  });
  it.each(['Deployment', 'DaemonSet', 'StatefulSet'])('is rolled out with what %s has by default', (kind) => {
    const spec = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } };
    expect(notRollingBecause(kind, workload(spec))).toBeUndefined();
  });
});

describe('a rollout is over', () => {
  const all = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
  it.each(['Deployment', 'StatefulSet'])('for a %s when every pod is new and available', (kind) => {
    expect(isRolledOut(kind, workload({ replicas: 3 }, all))).toBe(true);
    expect(isRolledOut(kind, workload({ replicas: 3 }, { ...all, updatedReplicas: 2 }))).toBe(false);
    expect(isRolledOut(kind, workload({ replicas: 3 }, { ...all, replicas: 4 }))).toBe(false);
    expect(isRolledOut(kind, workload({ replicas: 3 }, { ...all, readyReplicas: 2, availableReplicas: 2 }))).toBe(
      false,
    );
    expect(isRolledOut(kind, workload({ replicas: 3 }, all, 3))).toBe(false);
  });
  it('for a DaemonSet by its own numbers', () => {
    const done = { desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 5 };
    expect(isRolledOut('DaemonSet', workload({}, done))).toBe(true);
    expect(isRolledOut('DaemonSet', workload({}, { ...done, numberAvailable: 4 }))).toBe(false);
    expect(isRolledOut('DaemonSet', workload({}, { ...done, updatedNumberScheduled: 4 }))).toBe(false);
    expect(progressOf(workload({}, done))).toBe('5 of 5 pods are new, 5 available');
  });
  it('for one with no replicas at once', () => {
    expect(isRolledOut('Deployment', workload({ replicas: 0 }, {}))).toBe(true);
  });
});
