// What is wrong or soon will be, each with the command or edit that mends it. Pure: from what was seen to findings.

import type { Finding } from '../core/model/inventory.ts';
import { certificateFindings } from './findings-certificates.ts';
import { fleetFindings } from './findings-fleet.ts';
import { frontFindings } from './findings-fronts.ts';
import { supportFindings } from './findings-support.ts';
import type { Seen } from './seen.ts';

/** Everything there is to say, errors first. Reasons are documented in docs/findings.md. */
export function findingsOf(seen: Seen): Finding[] {
  const order = { error: 0, warning: 1, note: 2 } as const;
  return [...certificateFindings(seen), ...fleetFindings(seen), ...frontFindings(seen), ...supportFindings(seen)].sort(
    (a, b) => order[a.severity] - order[b.severity],
  );
}
