// Processes that nobody knows and that name files of an authority: what they have read of them is bounded by their start, and nothing but
// another start, or their user's word, says that they do not hold any more what is to go.

import { contentOf, memoryOf } from '../catalog/instance-part.ts';
import type { Store, Stranger } from '../model/inventory.ts';
import type { Blocker } from '../model/step.ts';
import type { Holds } from '../model/value.ts';
import { addBlockers, type Course, endsOf } from './course.ts';

/** Lets the step at this place wait for those that may hold the CA that is to go in one of these ways. */
export function waitForStrangers(c: Course, at: number, ways: readonly Holds[]): void {
  const blockers = (c.survey.inventory.strangers ?? [])
    .filter((stranger) => !c.survey.isWaived(stranger.id) && mayHold(c, stranger, ways))
    .map((stranger) => blockerOf(c, stranger));
  addBlockers(c, at, blockers);
}

function mayHold(c: Course, { startedAt, stores }: Stranger, ways: readonly Holds[]): boolean {
  const { survey, rotation } = c;
  const { gone } = endsOf(c);
  return stores.some((id) => {
    const store = survey.store(id);
    const holds = store && holdsOf(store);
    if (!store || !holds || !ways.includes(holds)) return false;
    return rotation.authorities.some((a) =>
      memoryOf(survey, a, startedAt, store, holds, contentOf(store, holds, a)).includes(gone),
    );
  });
}

const holdsOf = ({ kind, certs }: Store): Holds =>
  kind === 'kubeconfig-ca' || kind === 'bundle' || certs[0]?.isCA ? 'trust' : 'credential';

const blockerOf = (c: Course, { id, node, name, pid, paths }: Stranger): Blocker => ({
  party: id,
  reason: 'unknown-process',
  message: `process ${pid} names ${paths.join(', ')} and may have read it while it held ${endsOf(c).gone}; reroot does not know whether it reads it again`,
  ways: [
    `restart it once what it names holds ${endsOf(c).stays}, or say in reroot.yaml how: nodes.${node}.components.${name}.restart`,
    `--waive ${id}=REASON`,
  ],
});
