// Against a real sshd, where this machine has one (Debian: openssh-server). Key handling, host keys and refusals are OpenSSH's own here.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { readFiles, writeFile } from '../../../src/nodes/files.ts';
import { sshAccess } from '../../../src/nodes/ssh.ts';

const sshd = [process.env.REROOT_TEST_SSHD, '/usr/sbin/sshd', '/usr/local/sbin/sshd'].find(
  (path) => path && existsSync(path),
);

describe.skipIf(!sshd)('a node reached by ssh', () => {
  let dir: string;
  let port: number;
  let server: ChildProcess;
  const key = (name: string) => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)]);
    return readFileSync(join(dir, `${name}.pub`), 'utf8').trim();
  };
  const access = (options: { identity?: string; known?: string; port?: number; sudo?: boolean } = {}) => {
    const config = join(dir, `config-${Math.random()}`);
    const known = options.known ?? 'known_hosts';
    const lines = [
      `Host *`,
      `  Port ${options.port ?? port}`,
      `  IdentityFile ${join(dir, options.identity ?? 'user')}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      `  UserKnownHostsFile ${join(dir, known)}`,
      '  GlobalKnownHostsFile /dev/null',
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const sudo = options.sudo ?? false;
    return sshAccess('cp1', '127.0.0.1', { user: userInfo().username, configFile: config, sudo });
  };
  const why = async (run: Promise<unknown>) => {
    const thrown = await run.catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(NodeUnreachable);
    return (thrown as Error).message;
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'rr-sshd-'));
    process.env.TMPDIR = dir; // the sockets of ssh go with it
    const [host, user, other] = ['host', 'user', 'other'].map(key);
    writeFileSync(join(dir, 'authorized'), `${user}\n`, { mode: 0o600 });
    port = await freePort();
    writeFileSync(join(dir, 'known_hosts'), `[127.0.0.1]:${port} ${host}\n`);
    writeFileSync(join(dir, 'known_other'), `[127.0.0.1]:${port} ${other}\n`);
    writeFileSync(join(dir, 'known_none'), '');
    const options = [
      `HostKey=${join(dir, 'host')}`,
      `AuthorizedKeysFile=${join(dir, 'authorized')}`,
      'StrictModes=no',
      'UsePAM=no',
      'PasswordAuthentication=no',
      'PermitRootLogin=yes',
      `PidFile=${join(dir, 'pid')}`,
      `ListenAddress=127.0.0.1:${port}`,
      'MaxStartups=2',
      `SetEnv=PATH=${dir}:/usr/local/bin:/usr/bin:/bin`,
    ];
    // sshd as root wants its empty folder; as an ordinary user it does not look.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    server = spawn(sshd ?? '', ['-D', '-e', '-f', '/dev/null', ...options.flatMap((option) => ['-o', option])], {
      stdio: 'ignore',
    });
    const up = () =>
      spawnSync('ssh-keyscan', ['-t', 'ed25519', '-p', String(port), '127.0.0.1'])
        .stdout.toString()
        .includes('ed25519');
    await vi.waitUntil(up, { timeout: 10_000, interval: 100 });
  });
  afterAll(() => {
    server?.kill();
    delete process.env.TMPDIR;
    rmSync(dir, { recursive: true, force: true });
  });

  // First: with a connection open, ssh would share it and look at no key.
  it('says when the key is not accepted, the host key is not known or has changed, nobody listens', async () => {
    expect(await why(access({ identity: 'other' }).run(['true']))).toMatch(/no key that the node accepts/);
    expect(await why(access({ known: 'known_none' }).run(['true']))).toMatch(/is not known here/);
    expect(await why(access({ known: 'known_other' }).run(['true']))).toMatch(/is not the one in known_hosts/);
    expect(await why(access({ port: await freePort() }).run(['true']))).toMatch(/nothing listens for ssh/);
  });

  it('runs commands with their arguments, input and code, at the same time over one connection', async () => {
    const node = access();
    const words = ["it's", '$HOME', '', 'a\nb', '`id`'];

    const runs = await Promise.all(
      Array.from({ length: 9 }, (_, n) =>
        node.run(['sh', '-c', 'cat; printf "|%s" "$@"; exit "$1"', 'sh', String(n), ...words], { stdin: 'in' }),
      ),
    );

    runs.forEach((result, n) => {
      expect(result.code).toBe(n);
      expect(result.stdout.toString()).toBe(`in|${[String(n), ...words].join('|')}`);
    });
  });

  it('reads and writes files', async () => {
    const node = access();
    const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, n) => n % 256));

    await writeFile(node, join(dir, "a file's name"), bytes);

    expect((await readFiles(node, [join(dir, "a file's name")])).get(join(dir, "a file's name"))?.bytes).toEqual(bytes);
  });

  it('opens connections from the node over the shared one, and tells those that are refused', async () => {
    const node = access();
    const echo = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const at = (echo.address() as { port: number }).port;

    const stream = await node.dial('127.0.0.1', at);
    const said = new Promise<string>((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    stream.write('through the node');
    expect(await said).toBe('through the node');
    stream.destroy();
    await new Promise((resolve) => echo.close(resolve));

    const refused = await node.dial('127.0.0.1', at);
    expect(await new Promise((resolve) => refused.on('error', resolve))).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('has sudo before each shell, and tells when it refuses', async () => {
    const sudo = (script: string) => writeFileSync(join(dir, 'sudo'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    sudo('[ "$1 $2" = "-n --" ] || exit 9; shift 2; exec env AS=root "$@"');
    expect((await access({ sudo: true }).run(['sh', '-c', 'echo "$AS"'])).stdout.toString()).toBe('root\n');
    sudo('echo "sudo: a password is required" >&2; exit 1');
    expect(await why(access({ sudo: true }).run(['true']))).toMatch(/sudo asks for a password/);
    sudo('echo "no shell for you" >&2; exit 4');
    expect(await why(access({ sudo: true }).run(['true']))).toMatch(/shell on 127.0.0.1 ended with code 4: no shell/);
  });

  it('opens a new shell after one was ended, and says of the command in it that the node was away', async () => {
    const node = access();
    const shellOf = async () => (await node.run(['sh', '-c', 'echo $PPID'])).stdout.toString().trim();
    const first = await shellOf();
    expect(await shellOf()).toBe(first);

    expect(await why(node.run(['sh', '-c', 'kill -9 "$1"', 'sh', first]))).toMatch(/ssh to 127.0.0.1 failed/);

    expect(await shellOf()).not.toBe(first);
  });

  it('gives up in time and by its signal', async () => {
    const node = access();

    expect(await why(node.run(['sleep', '5'], { timeout: 300 }))).toMatch(/did not end within 0.3 s/);
    await expect(node.run(['sleep', '5'], { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});

function freePort(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve) =>
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    }),
  );
}
