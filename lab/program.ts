// The command itself, as a file that a lab can run.

import { fileURLToPath } from 'node:url';
import { EXIT, RerootError } from '../src/errors.ts';

/** The one file that `npm run build` makes. A lab keeps a copy, so a later build does not change what runs in it. */
export function bundledCommand(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.mjs')) return here;
  throw new RerootError(EXIT.checkFailed, 'labs are started by the bundled command', {
    hints: ['npm run build && node dist/reroot.mjs lab up'],
  });
}
