// Where labs can stand. Elsewhere their tests are skipped with the reason in sight, or fail with REROOT_REQUIRE_LAB=1.

import { describe } from 'vitest';
import { findGo } from '../../lab/go.ts';
import { demandLinux } from '../../lab/processes/preflight.ts';
import { reasonOf } from '../../src/errors.ts';

/** Why no lab can stand here; undefined when one can. */
function whyNot(): string | undefined {
  try {
    demandLinux();
    findGo('1.26.0');
    return undefined;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** For `describe.skipIf(!labAvailable())`. Says why not on standard error; throws instead when a lab is required. */
export function labAvailable(): boolean {
  const reason = whyNot();
  if (reason === undefined) return true;
  if (process.env.REROOT_REQUIRE_LAB === '1')
    throw new Error(`REROOT_REQUIRE_LAB=1, and no lab can stand here: ${reason}`);
  process.stderr.write(`SKIPPED, no lab can stand here: ${reason}\n`);
  return false;
}

/** A block of tests that need a lab. */
export function describeLab(name: string, tests: () => void): void {
  describe.skipIf(!labAvailable())(name, tests);
}
