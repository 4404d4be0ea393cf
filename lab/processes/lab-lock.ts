// One command at a time works on a lab.

import { join } from 'node:path';
import { EXIT, RerootError } from '../../src/errors.ts';
import { labsFolder } from '../state.ts';

export const labLock = (name: string): string => join(labsFolder(), `.${name}.lock`);

export const busy =
  (name: string) =>
  (holder: number): RerootError =>
    new RerootError(EXIT.blocked, `process ${holder} is at work on lab "${name}"`, {
      hints: [`wait for it, or end it: kill ${holder}`],
    });
