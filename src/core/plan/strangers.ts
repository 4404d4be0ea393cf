// Processes that nobody knows and that name files of an authority: what they have read of them is bounded by their start, and nothing but
// another start, or their user's word, says that they hold old no more.

import { contentOf, memoryOf } from '../catalog/instance-part.ts';
import type { Store, Stranger } from '../model/inventory.ts';
import type { Blocker } from '../model/step.ts';
import type { Holds } from '../model/value.ts';
import { addBlockers, type Course } from './course.ts';

/** Lets the first of the steps since `begun` wait for those that may hold old in one of these ways. */
export function waitForStrangers(c: Course, begun: number, ways: readonly Holds[]): void {
  const blockers = (c.survey.inventory.strangers ?? [])
    .filter((stranger) => !c.survey.isWaived(stranger.id) && mayHoldOld(c, stranger, ways))
    .map(blockerOf);
  addBlockers(c, begun, blockers);
}

function mayHoldOld({ survey, rotation }: Course, { startedAt, stores }: Stranger, ways: readonly Holds[]): boolean {
  return stores.some((id) => {
    const store = survey.store(id);
    const holds = store && holdsOf(store);
    if (!store || !holds || !ways.includes(holds)) return false;
    return rotation.authorities.some((a) =>
      memoryOf(survey, a, startedAt, store, holds, contentOf(store, holds, a)).includes('old'),
    );
  });
}

const holdsOf = ({ kind, certs }: Store): Holds =>
  kind === 'kubeconfig-ca' || kind === 'bundle' || certs[0]?.isCA ? 'trust' : 'credential';

const blockerOf = ({ id, node, name, pid, paths }: Stranger): Blocker => ({
  party: id,
  reason: 'unknown-process',
  message: `process ${pid} names ${paths.join(', ')} and may have read it while it held old; reroot does not know whether it reads it again`,
  ways: [
    `restart it once what it names holds new, or say in reroot.yaml how: nodes.${node}.components.${name}.restart`,
    `--waive ${id}=REASON`,
  ],
});
