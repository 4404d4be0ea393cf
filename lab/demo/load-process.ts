// The load as a child process beside a rotation: waits for its clean baseline, ends it, hands its summary on.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { some } from '../../src/core/model/some.ts';
import { failedSafe, reasonOf } from '../../src/errors.ts';
import type { LoadSummary } from '../load/summary.ts';
import { endWith } from './child.ts';

export interface LoadProcess {
  /** Resolves when the baseline is clean; rejects when the machine is too busy for one. */
  baseline: Promise<void>;
  /** Ends the load and resolves with what it counted. */
  stop(): Promise<LoadSummary>;
}

export interface LoadOptions {
  command?: string;
  lab: string;
  /** Seconds after which it ends by itself, whatever happens here. */
  seconds: number;
  args?: readonly string[];
  onSecond?: (line: string) => void;
  /** When it aborts the load is asked to end, and no baseline is tried again. */
  signal?: AbortSignal;
}

export function startLoad(options: LoadOptions): LoadProcess {
  const args = ['lab', 'load', '--name', options.lab, '--seconds', String(options.seconds), ...(options.args ?? [])];
  const child = spawn(process.execPath, [options.command ?? process.argv[1] ?? '', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  endWith(child, options.signal);
  // One that has ended reads no more: what it was is in its summary, or in the lack of one.
  child.stdin.on('error', () => {});
  let last = '';
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  const baseline = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = line;
      if (line.includes('"event":"baseline-clean"')) resolve();
      else options.onSecond?.(line);
    });
    ended.then((code) =>
      reject(failedSafe(`the load ended with ${code} before its baseline was clean: ${reason(last, stderr)}`)),
    );
  });
  // Whoever only stops the load must not be ended by a baseline nobody waited for.
  baseline.catch(() => {});
  return {
    baseline,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.stdin.write('stop\n');
      await ended;
      const summary = summaryIn(last);
      if (!summary) throw failedSafe(`the load left no summary: ${reason(last, stderr)}`);
      return summary;
    },
  };
}

/** Times a baseline is tried, and milliseconds between: a lab that has just come up may still be busy with itself. */
const TRIES = 3;
const REST = 20_000;

const onStderr = (line: string): void => void process.stderr.write(`${line}\n`);

/** A load whose baseline is clean. Nothing was touched yet, so one that was not is told, and tried again; rejects when none of three was. */
export async function cleanLoad(options: LoadOptions, say = onStderr): Promise<LoadProcess> {
  for (let left = TRIES - 1; ; left -= 1) {
    const load = startLoad(options);
    try {
      await load.baseline;
      return load;
    } catch (thrown) {
      await load.stop().catch(() => undefined);
      if (left === 0 || options.signal?.aborted) throw thrown;
      say(`${reasonOf(thrown)}; once more in ${REST / 1000} s`);
      await pause(REST, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

/** A summary says it best ("machine too busy", and why); without one the last thing said on standard error. */
function reason(last: string, stderr: string): string {
  const summary = summaryIn(last);
  if (!summary) return stderr.trim().split('\n').at(-1) || last || 'it said nothing';
  return some([summary.result, ...(summary.baseline?.why ?? [])], 4, 'semicolon');
}

/** The last line of a load that could end; of one that was killed it is a second's line, or half of one. */
function summaryIn(line: string): LoadSummary | undefined {
  try {
    const value = JSON.parse(line) as Partial<LoadSummary>;
    return value.result === undefined ? undefined : (value as LoadSummary);
  } catch {
    return undefined;
  }
}
