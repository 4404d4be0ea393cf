// The name of a process by which another one on the same machine can tell whether it lives: where pids mean the same (boot and pid namespace), the pid, and
// its start in clock ticks.

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

export function processMark(): string {
  const place = placeMark();
  const start = startTicks(process.pid);
  return place && start ? `[${place} ${process.pid} ${start}]` : `[${process.pid}]`;
}

/** What this machine says of a process. */
export interface Looks {
  startTicks: (pid: number) => string | undefined;
  /** `kill -0`. Throws what process.kill throws. */
  signal: (pid: number) => void;
}

/** Whether the process with this mark at its end is of this machine and has ended. What cannot be seen lives. */
export function isDeadHere(marked: string, looks: Looks = HERE): boolean {
  const [, place, pid, start] = /\[([0-9a-f]{12}) (\d+) (\d+)\]$/.exec(marked) ?? [];
  if (place === undefined || place !== placeMark()) return false;
  const seen = looks.startTicks(Number(pid));
  if (seen !== undefined) return seen !== start;
  // /proc may hide the processes of other users (hidepid). The kernel still tells whether there is one: EPERM is of a live one.
  try {
    looks.signal(Number(pid));
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function placeMark(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    return createHash('sha256')
      .update(boot + readlinkSync('/proc/self/ns/pid'))
      .digest('hex')
      .slice(0, 12);
  } catch {
    return undefined;
  }
}

function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

const HERE: Looks = { startTicks, signal: (pid) => void process.kill(pid, 0) };
