import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { guardOutput } from '../../../src/cli/output-failure.ts';
import { stoppable } from '../../../src/cli/stoppable.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const failure = (code: string) => Object.assign(new Error(`write ${code}`), { code });

let outlets: { stdout: EventEmitter; stderr: EventEmitter };
let end: ReturnType<typeof vi.fn<(code?: number) => void>>;
beforeEach(() => {
  outlets = { stdout: new EventEmitter(), stderr: new EventEmitter() };
  end = vi.fn<(code?: number) => void>();
  guardOutput(outlets, end);
});

describe('work that must not end in mid-step', () => {
  it.each(SIGNALS)('is asked to stop by %s, says so once, and is heard to its end', async (signal) => {
    const told = vi.fn();

    const done = await stoppable(async (stop) => {
      process.emit(signal);
      process.emit('SIGHUP');
      process.emit('SIGHUP');
      return stop.aborted;
    }, told);

    expect(done).toBe(true);
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('leaves a second SIGINT to end the process, and every signal once it is over', async () => {
    const before = SIGNALS.map((signal) => process.listenerCount(signal));

    await stoppable(async () => {
      process.emit('SIGTERM');
      expect(process.listenerCount('SIGTERM')).toBe(before[1]);
    });

    expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual(before);
  });

  it.each([
    ['stdout', 'EPIPE'],
    ['stdout', 'ENOSPC'],
    ['stderr', 'EPIPE'],
  ] as const)('is asked to stop, in silence, when %s fails with %s', async (name, code) => {
    const told = vi.fn();

    const stopped = await stoppable(async (stop) => {
      outlets[name].emit('error', failure(code));
      outlets[name].emit('error', failure(code));
      return stop.aborted;
    }, told);

    expect(stopped).toBe(true);
    expect(told).not.toHaveBeenCalled();
    expect(end).not.toHaveBeenCalled();
  });

  it('keeps its exit code when its last line cannot be written', async () => {
    await stoppable(async () => {});

    outlets.stdout.emit('error', failure('EPIPE'));

    expect(end).not.toHaveBeenCalled();
  });
});

describe('a command that changes nothing', () => {
  it('ends with its own code when the pipe is closed', () => {
    outlets.stdout.emit('error', failure('EPIPE'));

    expect(end.mock.calls).toEqual([[]]);
  });

  it('fails in one line when its output cannot be written', () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    outlets.stdout.emit('error', failure('ENOSPC'));
    const text = said.mock.calls.join('');
    said.mockRestore();

    expect(end).toHaveBeenCalledWith(4);
    expect(text).toMatch(/standard output cannot be written: write ENOSPC\n$/);
  });

  it('goes on without standard error', () => {
    outlets.stderr.emit('error', failure('EPIPE'));

    expect(end).not.toHaveBeenCalled();
  });
});
