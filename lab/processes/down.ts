// Takes a process lab away: ends all that was started for a lab and removes its folder. Only what carries the lab's mark is touched.

import { existsSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { failedSafe } from '../../src/errors.ts';
import { processesOfLab } from '../proc.ts';
import { supervisorOf } from './supervisor-process.ts';

const PATIENCE_MS = 15_000;

/** Works on a whole lab, on half of one, on one whose supervisor was killed, and on none. */
export async function removeLab(dir: string): Promise<boolean> {
  const there = existsSync(dir);
  const ended = await endProcesses(dir);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  return there || ended > 0;
}

/** The supervisor first, or it would start the others again. Looks until none is left: a start may have been on its way. */
async function endProcesses(dir: string): Promise<number> {
  let ended = 0;
  const supervisor = supervisorOf(dir);
  if (supervisor) kill(supervisor.pid);
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const left = processesOfLab(dir);
    if (left.length === 0) return ended;
    if (Date.now() > until) throw failedSafe(`processes of the lab do not end: ${left.join(', ')}`);
    for (const pid of left) kill(pid);
    ended += left.length;
    await pause(50);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself in between.
  }
}
