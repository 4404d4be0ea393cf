// What a full lab needs from this machine's Debian. The list is scripts/debian.mjs, for the tests read it too.

import { join } from 'node:path';
import { installPackages, missingPackages, whyNoPackages } from '../../../scripts/debian.mjs';
import { EXIT, RerootError } from '../../../src/errors.ts';
import { withLock } from '../../lock.ts';
import { cacheFolder } from '../../state.ts';

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

const OTHERWISE = 'or take the process lab, which needs none of it: --kind processes';

/** What is missing and can be installed; throws where something is missing and cannot. Changes nothing. */
export function planHostPackages(): string[] {
  const missing = missingPackages('full lab');
  const why = missing.length > 0 ? whyNoPackages() : undefined;
  if (why)
    throw notReady(
      `the full lab needs packages that are not installed (${missing.join(', ')}), and ${why}`,
      `apt-get install ${missing.join(' ')}`,
      OTHERWISE,
    );
  return missing;
}

/** Installs what is missing; starts no service. Takes seconds, and does not stop in the middle. */
export async function installHostPackages(say: (line: string) => void): Promise<void> {
  if (planHostPackages().length === 0) return;
  const waiting = (holder: number): void => say(`process ${holder} installs packages already: waiting for it`);
  await withLock(join(cacheFolder(), 'full/packages.lock'), { waiting }, async () => {
    const missing = missingPackages('full lab');
    if (missing.length === 0) return;
    say(`installing from Debian: ${missing.join(', ')}`);
    const failure = installPackages(missing);
    if (failure !== undefined)
      throw notReady(
        `${missing.join(', ')} could not be installed:\n  ${failure}`,
        `apt-get update && apt-get install ${missing.join(' ')}`,
        OTHERWISE,
      );
  });
}
