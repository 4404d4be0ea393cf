import { describe, expect, it } from 'vitest';
import type { RotationEvent } from '../../../src/rotate/events.ts';
import { frame, painter } from '../../../src/views/board.ts';
import { emptyBoard, withEvent } from '../../../src/views/board-view.ts';
import { emitterFor } from '../../../src/views/emitter.ts';
import { at, event, iso } from './fixtures.ts';

const fold = (...events: RotationEvent[]) => events.reduce(withEvent, emptyBoard());

const story: RotationEvent[] = [
  { ...event({ type: 'begin', message: 'kubernetes, front-proxy at https://10.0.0.10:6443' }), time: iso('22:00:00') },
  { ...event({ type: 'plan', message: '4 steps', data: { steps: 4 } }), time: iso('22:00:00') },
  {
    ...event({ type: 'move', move: 'trust', message: 'trust begins', data: { state: 'begin' } }),
    time: iso('22:00:01'),
  },
  {
    ...event({ type: 'step', step: 's1', move: 'trust', message: 'split the signer', data: { state: 'begin' } }),
    time: iso('22:00:01'),
  },
  {
    ...event({ type: 'restart', party: 'cp1/kube-controller-manager', message: 'restarts', data: { state: 'begin' } }),
    time: iso('22:00:01'),
  },
  {
    ...event({
      type: 'restart',
      party: 'cp1/kube-controller-manager',
      message: 'is back',
      data: { state: 'done', seconds: 0.3 },
    }),
    time: iso('22:00:02'),
  },
  { ...event({ type: 'restart', party: 'cp2/kube-controller-manager', message: 'restarted' }), time: iso('22:00:03') },
  { ...event({ type: 'proof', message: 'proved' }), time: iso('22:00:04') },
  {
    ...event({ type: 'step', step: 's1', move: 'trust', message: 'split the signer', data: { state: 'done' } }),
    time: iso('22:00:05'),
  },
  {
    ...event({
      type: 'step',
      step: 's2',
      move: 'trust',
      authority: 'kubernetes',
      message: 'accept clients of both',
      data: { state: 'begin' },
    }),
    time: iso('22:00:06'),
  },
  {
    ...event({
      type: 'wait',
      step: 's2',
      message: 'waits 3 s for accepts',
      data: { seconds: 3, missing: ['cp3/kube-apiserver:client-ca'] },
    }),
    time: iso('22:00:09'),
  },
];

describe('the board', () => {
  it('shows the move, the step, on whom it waits and for how long, running on between events', () => {
    const lines = frame(fold(...story), { now: at('22:00:14'), width: 80 });

    expect(lines.slice(0, 9)).toEqual([
      `rotation r1${'14 s'.padStart(69)}`,
      'kubernetes, front-proxy at https://10.0.0.10:6443',
      '',
      '[>] trust   [ ] issue   [ ] retire',
      '########......................  1 of 4 steps, proofs taken: 1',
      '',
      `now   kubernetes: accept clients of both${'8.0 s'.padStart(40)}`,
      '      waits 8.0 s on cp3/kube-apiserver:client-ca',
      '        waits 3 s for accepts',
    ]);
    expect(lines).toContain('restarts, most of any instance: kube-controller-manager 1');
  });

  it('has no line wider than the terminal', () => {
    const lines = frame(fold(...story), { now: at('22:00:14'), width: 30 });

    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(30);
  });

  it('drops the wait when its step ends, and what blocked when a new step begins', () => {
    const blocked = event({
      type: 'blocked',
      party: 'pod/a/b',
      message: 'is stale',
      data: { ways: ['reroot rotate --restart stale'] },
    });
    const done = event({
      type: 'step',
      step: 's2',
      move: 'trust',
      message: 'accept clients of both',
      data: { state: 'done' },
    });
    const next = event({ type: 'step', step: 's3', move: 'issue', message: 'serve', data: { state: 'begin' } });

    const stopped = frame(fold(...story, done, blocked), { now: at('22:00:14') });
    const goingOn = frame(fold(...story, done, blocked, next), { now: at('22:00:14') });

    expect(stopped.join('\n')).not.toContain('waits');
    expect(stopped).toContain('stop  pod/a/b: is stale');
    expect(stopped).toContain('      hint: reroot rotate --restart stale');
    expect(goingOn).not.toContain('stop  pod/a/b: is stale');
    expect(goingOn.join('\n')).toContain('[>] issue');
  });

  it('counts the steps of a plan made again in the middle from what is done already', () => {
    const done = event({ type: 'step', step: 's2', move: 'trust', message: 'x', data: { state: 'done' } });

    const lines = frame(fold(...story, done, event({ type: 'plan', message: '2 steps', data: { steps: 2 } })), {
      now: at('22:00:14'),
    });

    expect(lines.join('\n')).toContain('2 of 4 steps');
  });
});

describe('the painter', () => {
  it('moves up over exactly what it drew and never above the terminal', () => {
    const written: string[] = [];
    const paint = painter({ rows: 4, write: (text) => void written.push(text) });

    paint.draw(['a', 'b']);
    paint.draw(['1', '2', '3', '4', '5']);
    paint.draw(['z']);

    expect(written).toEqual(['\r\u001b[Ja\nb\n', '\u001b[2A\r\u001b[J3\n4\n5\n', '\u001b[3A\r\u001b[Jz\n']);
  });

  it('leaves the last frame and no timer behind on close', () => {
    const written: string[] = [];
    const emitter = emitterFor('board', {
      isTTY: true,
      columns: 80,
      rows: 24,
      write: (text) => void written.push(text),
    });

    emitter.emit(event({ type: 'end', message: 'done', data: { exitCode: 0 } }));
    emitter.close();

    expect(written.at(-1)?.endsWith('\n')).toBe(true);
    expect(written.at(-1)).toContain('done');
    expect(written.join('')).not.toContain('\u001b[?25l');
  });
});
