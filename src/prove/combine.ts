// Several looks at the members of a class as one: the class is shown when every member is.

import pLimit from 'p-limit';
import type { Value } from '../core/model/value.ts';
import { reasonOf } from '../errors.ts';
import type { Look } from './context.ts';

/** Looks at the same time. Each is a handshake or a short command. */
export const atOnce = pLimit(32);

/** A look that must not throw: what went wrong is its evidence. */
export async function safely(look: () => Promise<Look>): Promise<Look> {
  try {
    return await look();
  } catch (thrown) {
    return { value: undefined, evidence: reasonOf(thrown) };
  }
}

export interface NamedLook extends Look {
  member: string;
}

/** The first member that is not shown good stands for all; else the first, with the number of those that agree. */
export function combined(looks: readonly NamedLook[], keep: readonly Value[]): Look {
  const isGood = ({ value }: Look): boolean => value !== undefined && keep.includes(value);
  const bad = looks.filter((look) => !isGood(look));
  const [first] = looks;
  if (!first) return { value: undefined, evidence: 'nothing is known by this name in what was seen last' };
  const shown = bad[0] ?? first;
  if (looks.length === 1) return { value: shown.value, evidence: shown.evidence };
  const count = bad.length > 0 ? `${bad.length} of ${looks.length} not shown, ` : `${looks.length} alike, `;
  return { value: shown.value, evidence: `${count}${shown.member}: ${shown.evidence}` };
}
