// What a running party may have loaded, where nobody has measured it: bounded by what its store has held since the party started.

import type { Millis } from '../model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../model/rotation.ts';
import type { Credential, Holds, Signer, Trust, Value } from '../model/value.ts';

/**
 * Every value a rotation may have put into a store on the way to the one that it holds now, that one included. `bothAgain`: a rollback
 * puts old back beside new in stores of this kind (client CAs, caBundles, cluster-info); in others both is the work of trust, where a reverse bridge
 * serves on the way back. Without one everything is given old beside new again.
 */
export function historyOf(
  holds: Holds,
  value: Value,
  a: AuthorityRotation,
  rollback: boolean,
  bothAgain = false,
): readonly Value[] {
  switch (holds) {
    case 'trust': {
      const forward = !rollback || (value === 'both' && !bothAgain && a.bridges.reverse !== undefined);
      return forward ? TRUST[value as Trust] : unless<Trust>('none', value as Trust, ['old', 'both', 'new']);
    }
    case 'credential':
      return credentialHistory(value as Credential, a, rollback);
    case 'signer':
      return rollback || value === 'new' ? unless<Signer>('absent', value as Signer, ['old', 'new']) : [value];
    case 'flags':
      return [value];
  }
}

const unless = <T extends Value>(same: T, value: T, all: readonly T[]): readonly T[] => (value === same ? [same] : all);

const TRUST: Record<Trust, readonly Trust[]> = {
  none: ['none'],
  old: ['old'],
  both: ['old', 'both'],
  new: ['old', 'both', 'new'],
};

function credentialHistory(value: Credential, a: AuthorityRotation, rollback: boolean): readonly Credential[] {
  if (value === 'other') return ['other'];
  const forward: readonly Credential[] = a.route === 'bridge' ? ['old', 'new+bridge', 'new'] : ['old', 'new'];
  if (rollback) return a.bridges.reverse ? [...forward, 'old+reverse'] : forward;
  const at = forward.indexOf(value);
  return at < 0 ? [...forward, value] : forward.slice(0, at + 1);
}

/** Whether this rotation goes back: then what was held is not ordered any more. */
export const goesBack = (rotation: Rotation): boolean =>
  rotation.rollback === true || rotation.authorities.some((a) => a.bridges.reverse !== undefined);

/**
 * What a party that reads at its start has loaded: the store's content when it started after the last change, else anything the
 * store has held. Both times are of one clock, and `startedAt` is the earliest possible start: equal times prove nothing.
 */
export function loadedBy(
  startedAt: Millis | undefined,
  changedAt: Millis | undefined,
  value: Value,
  history: readonly Value[],
): readonly Value[] {
  if (history.length <= 1) return [value];
  return startedAt !== undefined && changedAt !== undefined && startedAt > changedAt ? [value] : history;
}
