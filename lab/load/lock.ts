// One load at a time on a lab: two would take each other's pods away.

import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { wrongUse } from '../../src/errors.ts';
import { codeOf } from './failure.ts';

/** Takes `LAB/load.pid`. Returns how to give it back. A file of a load that is no more is taken over. */
export function lockLoad(folder: string): () => void {
  const file = join(folder, 'load.pid');
  const held = tryOpen(file) ?? takeOver(file);
  writeSync(held, `${process.pid}\n`);
  closeSync(held);
  return () => rmSync(file, { force: true });
}

function tryOpen(file: string): number | undefined {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return undefined;
    throw thrown;
  }
}

function takeOver(file: string): number {
  const pid = Number(readFileSync(file, 'utf8'));
  if (pid > 0 && isNode(pid)) {
    throw wrongUse(
      `another load runs on this lab, process ${pid}`,
      `stop it: kill ${pid}`,
      `or, if that process is none: rm ${file}`,
    );
  }
  rmSync(file, { force: true });
  const taken = tryOpen(file);
  if (taken === undefined) throw wrongUse('another load has just begun on this lab', 'wait for its end');
  return taken;
}

/** Process ids are used again: only a process that could be a load counts. */
function isNode(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('load');
  } catch {
    return false;
  }
}
