// Takes away what is in a lab's folder, of whichever kind it is.

import { hasFullTraces, removeFull } from './full/down.ts';
import { withLock } from './lock.ts';
import { removeLab } from './processes/down.ts';
import { busy, labLock } from './processes/lab-lock.ts';
import { labDir, readLabOrNone, writeLab } from './state.ts';

/** `reroot lab down`. Says whether there was anything. */
export function down(name: string): Promise<boolean> {
  const dir = labDir(name);
  return withLock(labLock(name), { taken: busy(name) }, () => removeAny(dir));
}

/** Works on a whole lab, on half of one, on what a kill or a reboot left, and on none. */
export async function removeAny(dir: string): Promise<boolean> {
  const lab = readLabOrNone(dir);
  if (lab) markGoing(dir, lab);
  return lab?.kind === 'full' || hasFullTraces(dir) ? removeFull(dir) : removeLab(dir);
}

function markGoing(dir: string, lab: Parameters<typeof writeLab>[1]): void {
  try {
    writeLab(dir, { ...lab, phase: 'going' });
  } catch {
    // A file that cannot be written stops nobody from taking the lab away.
  }
}
