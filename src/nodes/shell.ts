// A shell that stays open and is given one command after the other. A session of its own for each command costs both machines half a dozen processes,
// and a rotation runs thousands.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import type { RunOptions, RunResult } from './access.ts';
import {
  codeOf,
  DEFAULT_TIMEOUT,
  endGroup,
  LINGER,
  limited,
  MAX_OUTPUT,
  type NotRun,
  notStarted,
  tooMuch,
} from './run-here.ts';

/** The shell has ended: by itself, or the way to it broke. What it was doing may be done or not. */
export class ShellEnded extends Error {
  constructor(
    readonly code: number,
    readonly stderr: string,
  ) {
    super(`the shell ended with code ${code}`);
    this.name = 'ShellEnded';
  }
}

export interface Shell {
  /** One command at a time, in the shell's own words, as `RunOptions` say. Throws ShellEnded, NotRun, or the signal's reason when aborted: the shell is gone then. */
  run(command: string, options?: RunOptions): Promise<RunResult>;
  readonly ended: boolean;
}

/**
 * What the shell at the other end runs, `mark` a word that nothing else says. Command and input come with their lengths before them, for what a command
 * leaves of its input must not be taken for the next command; the end of each is said on both ways out.
 */
export const loop = (mark: string): string => `printf '%s\\n' ${mark}
while read -r length size; do
  command=$(head -c "$length"; echo .); command=\${command%.}
  if [ "$size" = 0 ]; then (eval "$command") </dev/null
  else head -c "$size" | { (eval "$command"); code=$?; cat >/dev/null; exit "$code"; }
  fi
  code=$?
  printf '\\n%s %s\\n' ${mark} "$code"
  printf '\\n%s\\n' ${mark} >&2
done`;

/** Whoever answers starts with the mark, or with what a login shell has to say before it. */
export const newMark = (): string => `reroot-${randomBytes(12).toString('hex')}`;

interface Job {
  resolve: (result: RunResult) => void;
  reject: (why: unknown) => void;
  release: () => void;
}

/** Starts the program of this machine that leads to a shell which runs `loop(mark)`. It does not keep this process from ending. */
export function openShell(argv: readonly string[], mark: string): Shell {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const begin = Buffer.from(`${mark}\n`);
  const end = new RegExp(`\\n${mark} (\\d+)\\n$`);
  const said = new RegExp(`\\n${mark}\\n`);
  let begun = false;
  let ended = false;
  let out: Buffer[] = [];
  let size = 0;
  let err = '';
  let job: Job | undefined;
  let failure: unknown;

  const close = (code: number, cause?: NotRun) => {
    if (ended) return;
    ended = true;
    finish()?.reject(failure ?? cause ?? new ShellEnded(code, err));
  };
  const finish = (): Job | undefined => {
    const done = job;
    job = undefined;
    done?.release();
    holds(child, false);
    return done;
  };
  const clear = () => {
    out = [];
    size = 0;
    err = '';
  };
  const giveUp = (why: unknown) => {
    failure ??= why;
    endGroup(child.pid);
  };
  const look = () => {
    if (!job || !begun) return;
    // The code has three digits at most: the mark is at the end of the last few dozen bytes.
    const tail = tailOf(out, mark.length + 8);
    const found = end.exec(tail.toString('latin1'));
    const errAt = said.exec(err);
    if (!found || !errAt) return;
    const stdout = Buffer.concat(out).subarray(0, size - found[0].length);
    const stderr = err.slice(0, errAt.index);
    clear();
    finish()?.resolve({ code: Number(found[1]), stdout, stderr });
  };
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    size += chunk.length;
    if (size > MAX_OUTPUT) return giveUp(tooMuch(program));
    if (!begun) {
      const all = Buffer.concat(out);
      const at = all.indexOf(begin);
      if (at < 0) return;
      begun = true;
      out = [all.subarray(at + begin.length)];
      size = out[0]?.length ?? 0;
    }
    look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString('utf8');
    look();
  });
  child.on('error', (cause) => close(127, notStarted(program, cause)));
  // What it last said is read before it counts as gone.
  child.on('exit', () => setTimeout(() => close(codeOf(child)), LINGER).unref());
  child.on('close', () => close(codeOf(child)));
  child.stdin.on('error', () => {});
  holds(child, false);

  return {
    get ended() {
      return ended || failure !== undefined || child.exitCode !== null || child.signalCode !== null;
    },
    run(command, { stdin = '', timeout = DEFAULT_TIMEOUT, signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (ended || job) return reject(new Error('this shell has ended or is at work'));
        const release = limited(program, { timeout, signal }, giveUp);
        job = { resolve, reject, release };
        // What came while nobody asked is nobody's answer.
        if (begun) clear();
        holds(child, true);
        const input = Buffer.from(stdin);
        const text = Buffer.from(command);
        child.stdin.write(Buffer.concat([Buffer.from(`${text.length} ${input.length}\n`), text, input]));
      });
    },
  };
}

/** The last `length` bytes or more. */
function tailOf(chunks: readonly Buffer[], length: number): Buffer {
  let from = chunks.length;
  for (let have = 0; from > 0 && have < length; ) have += chunks[--from]?.length ?? 0;
  return Buffer.concat(chunks.slice(from)).subarray(-length);
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Whether this process waits for it: only while it is at work. */
function holds(child: Child, isHeld: boolean): void {
  for (const handle of [child, child.stdin, child.stdout, child.stderr] as unknown as Partial<NodeJS.Timeout>[]) {
    if (isHeld) handle.ref?.();
    else handle.unref?.();
  }
}
