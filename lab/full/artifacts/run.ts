// Runs a command of this machine. It never outlives this process, however that ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { reasonOf } from '../../../src/errors.ts';

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Namespaces of its own for mounts and processes: what it mounts and starts is gone when it ends. */
  apart?: 'with network' | 'without network';
}

/** The kernel kills it when we end, even by SIGKILL (prctl(2), PR_SET_PDEATHSIG), and with `apart` all that it has started. */
export function wrapped(argv: readonly string[], apart: RunOptions['apart']): string[] {
  // Whatever this process was started with: what is made for nodes and images is for all to read.
  const bound = ['sh', '-c', 'umask 022; exec "$@"', 'sh', 'setpriv', '--pdeathsig', 'KILL'];
  if (!apart) return [...bound, ...argv];
  const own = ['--mount', '--pid', '--ipc', '--fork', '--kill-child', '--propagation', 'private', '--mount-proc'];
  return [...bound, 'unshare', ...own, ...(apart === 'without network' ? ['--net'] : []), ...argv];
}

/** Standard output; throws what it wrote to standard error (its last lines) when it fails. */
export function run(argv: readonly string[], { signal, apart }: RunOptions = {}): Promise<string> {
  const [program = '', ...args] = wrapped(argv, apart);
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH, LC_ALL: 'C.UTF-8' },
    ...(signal ? { signal, killSignal: 'SIGKILL' } : {}),
  });
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + String(chunk)).slice(-8000);
  });
  return new Promise((resolve, reject) => {
    // An error of a child that runs is its end by the signal: all that it started ends first, for its files are removed next.
    child.on('error', (thrown) => {
      if (child.pid === undefined) reject(new Error(`${argv[0]}: ${reasonOf(thrown)}`));
    });
    child.on('close', (code, killed) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${argv[0]} ended with ${code ?? killed}:\n  ${lastLines(errors)}`));
    });
  });
}

/** What apt, mmdebstrap and tar mark as errors, else the last lines. */
function lastLines(errors: string): string {
  const lines = errors.trim().split('\n');
  const marked = lines.filter((line) => /^E: |error/i.test(line));
  return (marked.length > 0 ? marked : lines).slice(-6).join('\n  ');
}
