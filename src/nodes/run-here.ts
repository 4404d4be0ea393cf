import { spawn } from 'node:child_process';
import type { RunOptions, RunResult } from './access.ts';

export const DEFAULT_TIMEOUT = 30_000;
/** After the program has ended, how long an open output pipe may stay silent: ssh's connection master and daemons inherit it. */
export const LINGER = 250;
/** Between SIGTERM, which lets a script remove its temporary file, and SIGKILL. */
const GRACE = 2_000;
export const MAX_OUTPUT = 256 * 1024 * 1024;

/** The program could not be started, or was ended by us because it took too long or said too much. */
export class NotRun extends Error {
  constructor(
    readonly why: 'not-found' | 'not-started' | 'timeout' | 'too-much-output',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'NotRun';
  }
}

/**
 * Runs a program of this machine, argv as it stands, and gives its exit code and raw output; a signal counts as code 128 + n, as in a shell.
 * It runs in a process group of its own: Ctrl-C in the terminal reaches reroot only, which then decides; a timeout or an abort ends the whole group.
 * Throws NotRun, or the signal's reason when aborted.
 */
export function runHere(
  argv: readonly string[],
  options: RunOptions & { env?: Record<string, string> } = {},
): Promise<RunResult> {
  const { signal, timeout = DEFAULT_TIMEOUT } = options;
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const child = spawn(program, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    let failure: unknown;
    let linger: NodeJS.Timeout | undefined;

    const end = (why: unknown) => {
      failure ??= why;
      endGroup(child.pid);
    };
    const release = limited(program, { timeout, signal }, end);

    const settle = () => {
      release();
      clearTimeout(linger);
      child.stdout.destroy();
      child.stderr.destroy();
      if (failure !== undefined) return reject(failure);
      resolve({ code: codeOf(child), stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') });
    };
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) return end(tooMuch(program));
      into.push(chunk);
      linger?.refresh();
    };
    child.stdout.on('data', collect(out));
    child.stderr.on('data', collect(err));
    child.on('error', (cause: NodeJS.ErrnoException) => {
      failure ??= notStarted(program, cause);
      settle();
    });
    // On a busy machine the timer may be due before what lies in the pipes was read: they get their turn first (poll comes after timers).
    const settleWhenSilent = (): void => {
      const before = size;
      setImmediate(() => {
        if (size === before) settle();
        else linger = setTimeout(settleWhenSilent, LINGER);
      });
    };
    child.on('exit', () => {
      linger = setTimeout(settleWhenSilent, LINGER);
    });
    child.on('close', settle);
    // A program that ends without reading its input closes the pipe: its exit code tells why, EPIPE does not.
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
  });
}

/** Gives up when the time is over or the signal says so, until it is released. */
export function limited(
  program: string,
  { timeout, signal }: { timeout: number; signal: AbortSignal | undefined },
  giveUp: (why: unknown) => void,
): () => void {
  const onAbort = () => giveUp(signal?.reason);
  const late = () => giveUp(new NotRun('timeout', `${program} did not end within ${timeout / 1000} s`));
  const timer = setTimeout(late, timeout);
  signal?.addEventListener('abort', onAbort, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
}

export const tooMuch = (program: string): NotRun =>
  new NotRun('too-much-output', `${program} printed more than 256 MiB`);

export function notStarted(program: string, cause: NodeJS.ErrnoException): NotRun {
  const missing = cause.code === 'ENOENT';
  return new NotRun(
    missing ? 'not-found' : 'not-started',
    missing ? `${program}: no such program` : `${program}: ${cause.message}`,
    { cause },
  );
}

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15, SIGXFSZ: 25 };

export function codeOf(child: { exitCode: number | null; signalCode: NodeJS.Signals | null }): number {
  if (child.exitCode !== null) return child.exitCode;
  return 128 + ((child.signalCode && SIGNALS[child.signalCode]) ?? 0);
}

/** SIGTERM for a program and all that it started, SIGKILL for what does not heed it. */
export function endGroup(pid: number | undefined): void {
  killGroup(pid, 'SIGTERM');
  setTimeout(() => killGroup(pid, 'SIGKILL'), GRACE).unref();
}

export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
