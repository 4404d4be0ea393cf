import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { killGroup } from './run-here.ts';

/** No connection to the target came about. `code` as Node's: ECONNREFUSED when the target refused, EHOSTUNREACH for everything on the way. */
export class PipeFailed extends Error {
  constructor(
    readonly code: 'ECONNREFUSED' | 'EHOSTUNREACH',
    message: string,
  ) {
    super(message);
    this.name = 'PipeFailed';
  }
}

/** How long a program that has ended may still have something in its pipes. Milliseconds. */
const LINGER = 100;

/**
 * The bytes of a program's standard output and input as a stream: `ssh -W`, or a command on a node that connects. When the program ends in failure before it gave a
 * byte, the stream fails with PipeFailed; `explain` makes the sentence out of what it wrote to standard error.
 */
export function pipeThrough(
  argv: readonly string[],
  explain: (stderr: string) => PipeFailed,
  signal?: AbortSignal,
): Duplex {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let gotBytes = false;
  let failed = false;

  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    // A program that is gone cannot be written to: its end tells why, EPIPE does not.
    write: (chunk, _encoding, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      signal?.removeEventListener('abort', onAbort);
      killGroup(child.pid, 'SIGTERM');
      done(error);
    },
  });
  const onAbort = () => stream.destroy(signal?.reason instanceof Error ? signal.reason : undefined);
  if (signal?.aborted) queueMicrotask(onAbort);
  signal?.addEventListener('abort', onAbort, { once: true });

  child.stdin.on('error', () => {});
  child.stdout.on('data', (chunk: Buffer) => {
    gotBytes = true;
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString('utf8');
  });
  const finish = (code: number | null) => {
    if (failed || stream.destroyed) return;
    failed = true;
    if (code !== 0 && !gotBytes) stream.destroy(explain(said));
    else stream.push(null);
  };
  child.on('error', (cause) => {
    failed = true;
    stream.destroy(new PipeFailed('EHOSTUNREACH', `${program}: ${cause.message}`));
  });
  child.on('exit', (code) => void setTimeout(() => finish(code), LINGER).unref());
  child.on('close', (code) => finish(code));
  return stream;
}
