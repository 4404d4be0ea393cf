// The process table, as Linux shows it in /proc (proc(5)).

import { readdirSync, readFileSync } from 'node:fs';

/** A process and when it started, in ticks since boot: ids are used again, both together are not. */
export interface ProcessMark {
  pid: number;
  start: string;
}

/** Everything after the command's name in /proc/PID/stat: the name is in parentheses and may hold anything. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export function markOf(pid: number): ProcessMark | undefined {
  const start = statOf(pid)?.[19];
  return start === undefined ? undefined : { pid, start };
}

export const sameProcess = (mark: ProcessMark): boolean => markOf(mark.pid)?.start === mark.start && isAlive(mark.pid);

/** Exists and is no zombie. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Milliseconds since the epoch; a tick is 10 ms on every Linux that Node runs on. */
export function startedAt(pid: number): number | undefined {
  const mark = markOf(pid);
  const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
  return mark && boot ? Number(boot) * 1000 + Number(mark.start) * 10 : undefined;
}

/** `NAME=value` lines of a process's environment; [] when it is gone or not ours to read. */
export function environOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Ids of all living processes that were started for the lab in this folder: each of them carries it in its environment. */
export function processesOfLab(dir: string): number[] {
  const wanted = `REROOT_LAB=${dir}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environOf(pid).includes(wanted) && isAlive(pid));
}
