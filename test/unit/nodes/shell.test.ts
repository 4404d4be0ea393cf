import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loop, newMark, openShell, type Shell, ShellEnded } from '../../../src/nodes/shell.ts';
import { shellsOn } from '../../../src/nodes/shells.ts';

const here = (before = ''): Shell => {
  const mark = newMark();
  return openShell(['sh', '-c', `${before}${loop(mark)}`], mark);
};
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

describe('a shell that stays open', () => {
  it('gives code, output and messages of one command after the other', async () => {
    const shell = here();

    expect(await shell.run('exec echo one')).toMatchObject({ code: 0, stdout: Buffer.from('one\n'), stderr: '' });
    expect(await shell.run('echo two >&2; exit 3')).toMatchObject({
      code: 3,
      stdout: Buffer.from(''),
      stderr: 'two\n',
    });
    expect(await shell.run('exec no-such-program')).toMatchObject({ code: 127 });
    expect((await shell.run('exec cat', { stdin: 'in' })).stdout.toString()).toBe('in');
    expect(shell.ended).toBe(false);
  });

  it('carries any bytes to a command and back', async () => {
    const shell = here();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.string({ unit: 'binary' }), async (bytes, text) => {
        const word = text.replaceAll('\0', '');
        const back = await shell.run(`exec sh -c ${quoted('cat; printf %s "$1" >&2')} sh ${quoted(word)}`, {
          stdin: bytes,
        });
        expect(Buffer.compare(back.stdout, Buffer.from(bytes))).toBe(0);
        expect(back.stderr).toBe(Buffer.from(word).toString());
      }),
      { numRuns: 50 },
    );
  });

  it('takes nothing that a command left of its input for the next one', async () => {
    const shell = here();
    const much = Buffer.alloc(2_000_000, '3 0\nid\n');

    expect((await shell.run('exec true', { stdin: much })).code).toBe(0);
    expect((await shell.run('exec head -c 4', { stdin: much })).stdout.toString()).toBe('3 0\n');
    expect((await shell.run('exec wc -c', { stdin: much })).stdout.toString().trim()).toBe('2000000');
    expect((await shell.run('exec cat')).stdout.toString()).toBe('');
  });

  it('drops what a login shell says before it', async () => {
    expect((await here('echo Welcome; ').run('echo one')).stdout.toString()).toBe('one\n');
  });

  it('says when it was ended in the middle, and that it has', async () => {
    const shell = here();

    const ended = shell.run('echo half; echo gone >&2; kill -9 $$');

    await expect(ended).rejects.toBeInstanceOf(ShellEnded);
    await expect(ended).rejects.toMatchObject({ code: 137, stderr: expect.stringContaining('gone') });
    expect(shell.ended).toBe(true);
  });

  it('gives up in time and by a signal, and is gone then', async () => {
    const slow = here();
    await expect(slow.run('sleep 5', { timeout: 200 })).rejects.toMatchObject({ why: 'timeout' });
    expect(slow.ended).toBe(true);
    const left = here();
    await expect(left.run('sleep 5', { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(left.ended).toBe(true);
    await expect(openShell(['no-such-program'], newMark()).run('id')).rejects.toMatchObject({ why: 'not-found' });
  });

  it('ends with the process that opened it', async () => {
    const script = `const c = require('node:child_process').spawn('sh', ['-c', process.argv[1]], { stdio: ['pipe', 'inherit', 'inherit'] }); console.log(c.pid); process.exit(0)`;
    const pid = execFileSync(process.execPath, ['-e', script, loop(newMark())])
      .toString()
      .split('\n')[0];
    // Once it has seen the end of its input, and whoever inherits it has taken notice of its end.
    const isThere = (): boolean => spawnSync('kill', ['-0', String(pid)]).status === 0;
    await expect.poll(isThere, { timeout: 20_000 }).toBe(false);
  });
});

describe('shells on a node', () => {
  it('are kept, opened anew after one has ended, and four at the most', async () => {
    let opened = 0;
    const run = shellsOn(() => {
      opened += 1;
      return here();
    });

    const pids = await Promise.all(Array.from({ length: 12 }, () => run('echo $$; sleep 0.05')));
    expect(new Set(pids.map(({ stdout }) => stdout.toString())).size).toBeLessThanOrEqual(4);
    expect(opened).toBeLessThanOrEqual(4);
    await expect(run('kill -9 $$')).rejects.toBeInstanceOf(ShellEnded);
    expect((await run('echo again')).stdout.toString()).toBe('again\n');
  });
});
