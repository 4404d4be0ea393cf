import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { accessFor } from '../../../src/nodes/access-for.ts';
import { execAccess, splitWords } from '../../../src/nodes/exec.ts';
import { readFiles, writeFile } from '../../../src/nodes/files.ts';
import { localAccess } from '../../../src/nodes/local.ts';
import { runHere } from '../../../src/nodes/run-here.ts';
import { AnswerCut, runScript } from '../../../src/nodes/script.ts';
import { sshAccess, sshReason } from '../../../src/nodes/ssh.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reroot-transport-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('runHere', () => {
  it('gives code, raw output and what was said, with the input it was given', async () => {
    const input = Buffer.from([0, 255, 10, 128]);

    const result = await runHere(['sh', '-c', 'cat; echo "to err" >&2; exit 7'], { stdin: input });

    expect(result).toEqual({ code: 7, stdout: input, stderr: 'to err\n' });
  });

  it('counts a signal as a shell does', async () => {
    await expect(runHere(['sh', '-c', 'kill -9 $$'])).resolves.toMatchObject({ code: 137 });
  });

  it('ends the whole group when the time is over', async () => {
    const mark = join(dir, 'alive');

    const run = runHere(['sh', '-c', `trap '' TERM; (sleep 3; touch ${mark}) & wait`], { timeout: 150 });

    await expect(run).rejects.toMatchObject({ name: 'NotRun', why: 'timeout' });
    await new Promise((resolve) => setTimeout(resolve, 3_300));
    expect(existsSync(mark)).toBe(false);
  });

  it('ends by its signal with the signal’s reason', async () => {
    await expect(runHere(['sleep', '5'], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    const later = new AbortController();
    const run = runHere(['sleep', '5'], { signal: later.signal });
    later.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
  });

  it('does not wait for a daemon that keeps the output open', async () => {
    const began = Date.now();

    const result = await runHere(['sh', '-c', 'sleep 20 & echo $!']);

    expect(Date.now() - began).toBeLessThan(5_000);
    process.kill(Number(result.stdout.toString()));
  });

  it('outlives a program that does not read its input', async () => {
    await expect(runHere(['true'], { stdin: Buffer.alloc(1_000_000) })).resolves.toMatchObject({ code: 0 });
  });

  it('says when there is no such program', async () => {
    await expect(runHere(['no-such-program-here'])).rejects.toMatchObject({ why: 'not-found' });
  });
});

describe('the exec template', () => {
  it.each([
    ['docker exec -i {node}', ['docker', 'exec', '-i', '{node}']],
    [`a 'b c' "d \\" e" f\\ g ''`, ['a', 'b c', 'd " e', 'f g', '']],
    ['"$HOME" $(x) *', ['$HOME', '$(x)', '*']],
  ])('is split into words as a shell would, without expanding: %s', (template, words) => {
    expect(splitWords(template)).toEqual(words);
  });

  it.each(['', '  ', 'a "b', 'a \\'])('is refused when it is no command: %j', (template) => {
    expect(() => splitWords(template)).toThrow();
  });

  it('passes every argument on as it is, node and host put in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string().filter((word) => !word.includes('\0')),
          { maxLength: 5 },
        ),
        async (words) => {
          const access = execAccess(`sh -c 'printf "%s\\0" "$@"' {node} {host}`, 'n 1', 'h"1');
          const { stdout } = await access.run(['start', ...words]);
          return (
            JSON.stringify(stdout.toString().split('\0').slice(0, -1)) === JSON.stringify(['h"1', 'start', ...words])
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('that cannot be started, or that answers itself, is a node that is away', async () => {
    const files = (template: string) => readFiles(execAccess(template, 'cp1', 'cp1'), ['/etc/hostname']);

    // An expected failure, with a hint and no stack for its user.
    await expect(files('no-such-program-here {node}')).rejects.toMatchObject({
      exitCode: 4,
      hints: [expect.stringMatching(/bring .* back/)],
    });
    await expect(files('no-such-program-here {node}')).rejects.toBeInstanceOf(NodeUnreachable);
    await expect(files(`sh -c 'echo "no such container: cp1" >&2; exit 1'`)).rejects.toThrow('no such container: cp1');
    await expect(files(`sh -c 'exit 255'`)).rejects.toMatchObject({ name: 'NodeUnreachable', node: 'cp1' });
  });

  it('that is cut off in the middle gives no half answer, whatever code it ends with', async () => {
    const cut = execAccess(`sh -c '"$@" | head -c 40' sh`, 'n1', 'n1');
    const asked = runScript(cut, 'echo first; echo second; echo third and last', []);
    await expect(asked).rejects.toBeInstanceOf(AnswerCut);
    await expect(runScript(cut, 'echo', [])).resolves.toMatchObject({ code: 0, stdout: Buffer.from('\n') });
    const whole = execAccess('env', 'n1', 'n1');
    const ended = await runScript(whole, 'trap "printf trapped" EXIT; printf "%s\n" "$1"; exit 3', ['a b']);
    expect([ended.code, ended.stdout.toString()]).toEqual([3, 'a b\ntrapped']);
  });

  it('may greet before it runs the command', async () => {
    const access = execAccess(`sh -c 'echo Welcome to cp1; exec "$@"' sh`, 'cp1', 'cp1');

    await writeFile(access, join(dir, 'x'), Buffer.from('x'));

    expect((await readFiles(access, [join(dir, 'x')])).get(join(dir, 'x'))?.bytes?.toString()).toBe('x');
  });
});

describe('sudo that asks', () => {
  it.each([
    ['sudo: a password is required', /NOPASSWD/],
    ['sudo: a terminal is required to read the password', /NOPASSWD/],
    ['anna is not in the sudoers file.\nsudo: anna is not allowed to run', /does not allow/],
  ])('is a node that is away, with the reason: %s', async (said, reason) => {
    const fake = join(dir, 'sudo');
    writeFileSync(fake, `#!/bin/sh\nprintf '%s\\n' '${said}' >&2\nexit 1\n`, { mode: 0o755 });
    const path = process.env.PATH;
    process.env.PATH = `${dir}:${path}`;

    const thrown = await localAccess('n1', { sudo: true })
      .run(['true'])
      .catch((error: unknown) => error);
    process.env.PATH = path;

    expect(thrown).toBeInstanceOf(NodeUnreachable);
    expect((thrown as Error).message).toMatch(reason);
  });
});

describe('ssh', () => {
  it('quotes for the remote shell, asks nothing, and keeps its socket in a folder of its own', async () => {
    const fake = join(dir, 'ssh');
    writeFileSync(fake, `#!/bin/sh\nprintf '%s\\n' "$@" >"${dir}/args"\nfor last; do :; done\nexec sh -c "$last"\n`, {
      mode: 0o755,
    });
    const path = process.env.PATH;
    process.env.PATH = `${dir}:${path}`;
    process.env.TMPDIR = dir;
    const words = ["it's", '$HOME', '', 'a b', '`id`', '*', '\n', '-n', '"', '\\'];

    const { stdout } = await sshAccess('cp1', '10.0.0.1', { user: 'anna' }).run(['printf', '%s\\0', ...words]);
    process.env.PATH = path;

    expect(stdout.toString().split('\0').slice(0, -1)).toEqual(words);
    const args = readFileSync(join(dir, 'args'), 'utf8');
    expect(args).toMatch(/BatchMode=yes[\s\S]*ControlMaster=auto[\s\S]*-l\nanna\n--\n10\.0\.0\.1\n/);
    expect(args).not.toMatch(/StrictHostKeyChecking/);
    const socket = /ControlPath=(.*)\/%C/.exec(args)?.[1] ?? '';
    delete process.env.TMPDIR;
    expect(spawnSync('stat', ['-c', '%a', socket]).stdout.toString()).toBe('700\n');
  });

  it('takes no host that would be an option', () => {
    expect(() => sshAccess('cp1', '-oProxyCommand=id')).toThrow(/not a host name/);
  });

  it.each([
    [
      '@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.',
      /not the one in known_hosts/,
    ],
    [
      'No ED25519 host key is known for cp1 and you have requested strict checking.\nHost key verification failed.',
      /is not known here/,
    ],
    ['anna@cp1: Permission denied (publickey).', /no key that the node accepts/],
    ['ssh: Could not resolve hostname cp1: Name or service not known', /cannot be resolved/],
    ['ssh: connect to host cp1 port 22: Connection refused', /nothing listens for ssh/],
    ['ssh: connect to host cp1 port 22: Connection timed out', /does not answer/],
    ['something new', /failed: something new/],
  ])('explains %j', (stderr, reason) => {
    expect(sshReason('cp1', stderr)).toMatch(reason);
  });
});

describe('accessFor', () => {
  it('takes the configured host, else the cluster’s address, else the name', async () => {
    const config = parseConfig(
      `{access: exec, exec: "echo {node} {host}", nodes: {cp1: {host: h1}, cp2: {}}}`,
      'reroot.yaml',
    );
    const said = async (node: string, address?: string) =>
      (await accessFor(config, node, address).run([])).stdout.toString();

    expect(await said('cp1', '10.0.0.1')).toBe('cp1 h1\n');
    expect(await said('cp2', '10.0.0.2')).toBe('cp2 10.0.0.2\n');
    expect(await said('cp3')).toBe('cp3 cp3\n');
  });

  it('needs a command for exec', () => {
    expect(() => accessFor(parseConfig('access: exec', 'reroot.yaml'), 'cp1')).toThrow(/no command is given/);
  });
});
