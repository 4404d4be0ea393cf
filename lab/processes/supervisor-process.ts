// Starts and ends the supervisor's process.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, markOf, type ProcessMark, sameProcess } from '../proc.ts';
import { asLabUser } from './identity.ts';
import type { Place } from './layout.ts';
import { labEnvironment } from './run.ts';

const markFile = (dir: string): string => join(dir, 'run/supervisor.json');

/** The supervisor outlives whoever starts it: a session of its own, output into a file. */
export function startSupervisor(place: Place): void {
  const { node, script } = place.lab.program;
  const [command = '', ...args] = [...asLabUser(), node, script, 'lab', '_supervise', place.dir];
  mkdirSync(join(place.dir, 'run'), { recursive: true });
  const log = openSync(join(place.dir, 'run/supervisor.log'), 'a', 0o600);
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: place.dir,
    env: labEnvironment(place),
  });
  closeSync(log);
  child.unref();
  writeFileSync(markFile(place.dir), JSON.stringify(markOf(child.pid ?? 0) ?? {}));
}

export function supervisorOf(dir: string): ProcessMark | undefined {
  try {
    const mark = JSON.parse(readFileSync(markFile(dir), 'utf8')) as ProcessMark;
    return sameProcess(mark) ? mark : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the supervisor to stop all components and waits until it has; etcd last, so that its data is whole. */
export async function stopSupervisor(dir: string): Promise<void> {
  const mark = supervisorOf(dir);
  if (!mark) return;
  process.kill(mark.pid, 'SIGTERM');
  while (isAlive(mark.pid) && sameProcess(mark)) await pause(50);
}
