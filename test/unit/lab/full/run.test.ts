import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { run, wrapped } from '../../../../lab/full/artifacts/run.ts';
import { together } from '../../../../lab/full/artifacts/together.ts';
import { isAlive } from '../../../../lab/proc.ts';

describe('a command', () => {
  it('gives its output, and its errors when it fails', async () => {
    expect(await run(['sh', '-c', 'echo here; umask'])).toBe('here\n0022\n');
    await expect(run(['sh', '-c', 'echo "E: no room" >&2; echo bye >&2; exit 3'])).rejects.toThrow(
      'sh ended with 3:\n  E: no room',
    );
    await expect(run(['no-such-tool-anywhere'])).rejects.toThrow('no-such-tool-anywhere');
  });

  it('ends when the signal is raised', async () => {
    const controller = new AbortController();
    const running = run(['sleep', '60'], { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toThrow();
  });

  it('ends with who started it, even when that is killed', async () => {
    const script = `const [program, ...args] = ${JSON.stringify(wrapped(['sleep', '60'], undefined))};
      const child = require('node:child_process').spawn(program, args, { stdio: 'ignore' });
      console.log(child.pid);`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [pid] = (await once(parent.stdout, 'data')).map(Number);
    expect(isAlive(pid!)).toBe(true);
    // The bond is made by setpriv, some milliseconds after the start.
    await pause(300);
    parent.kill('SIGKILL');
    for (let i = 0; i < 100 && isAlive(pid!); i++) await pause(20);
    expect(isAlive(pid!)).toBe(false);
  });
});

describe('two things at once', () => {
  const untilEnded = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));

  it('both give what they made', async () => {
    expect(await together(undefined, [async () => 1, async () => 'two'])).toEqual([1, 'two']);
  });

  it('end when one fails, whose error it is', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('first');
    };
    await expect(together(undefined, [untilEnded, failing])).rejects.toThrow('first');
  });

  it('end when they are told to', async () => {
    const outer = new AbortController();
    const both = together(outer.signal, [untilEnded, untilEnded]);
    outer.abort();
    await expect(both).rejects.toThrow('ended');
  });
});
