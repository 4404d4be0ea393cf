// Runs reroot itself as a child process, as its user would, and reads what it prints line by line.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { RotationEvent } from '../../src/rotate/events.ts';

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
  /** The JSON lines of standard output, for commands run with `-o json`. */
  events: RotationEvent[];
}

export interface RunOptions {
  /** The bundled command; by default the one that runs now. */
  command?: string;
  onEvent?: (event: RotationEvent) => void;
  onLine?: (line: string) => void;
  env?: Record<string, string>;
  /** Called with the process, to signal it. */
  onStart?: (child: ChildProcess) => void;
  stdin?: string;
  /** When it aborts the command is asked to end (SIGTERM), and its end is awaited as any other. */
  signal?: AbortSignal;
}

/** Who stood in the way of a move, each once. */
export const blockedParties = ({ events }: Pick<Finished, 'events'>): string[] => [
  ...new Set(events.flatMap(({ type, party }) => (type === 'blocked' && party ? [party] : []))),
];

/** Flags that go on without these parties. */
export const waiving = (parties: readonly string[], reason: string): string[] =>
  parties.flatMap((party) => ['--waive', `${party}=${reason}`]);

/** Runs `reroot ARGS…` to its end. Never rejects for an exit code: that is for the caller to judge. */
export function runReroot(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [options.command ?? process.argv[1] ?? '', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    options.onStart?.(child);
    endWith(child, options.signal);
    const out: string[] = [];
    const events: RotationEvent[] = [];
    let stderr = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      out.push(line);
      options.onLine?.(line);
      const event = parseEvent(line);
      if (event) {
        events.push(event);
        options.onEvent?.(event);
      }
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.stdin.end(options.stdin ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? (signal ? 128 : 1), stdout: out.join('\n'), stderr, events }),
    );
  });
}

/** A terminal's Ctrl-C has reached the child as SIGINT already, and a second one would end it in the middle of a step. */
export function endWith(child: ChildProcess, signal: AbortSignal | undefined): void {
  if (!signal) return;
  const end = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  child.once('close', () => signal.removeEventListener('abort', end));
  if (signal.aborted) end();
}

function parseEvent(line: string): RotationEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as RotationEvent;
  } catch {
    return undefined;
  }
}
