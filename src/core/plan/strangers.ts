// Processes that nobody knows and that name files of an authority: what they have read of them is bounded by their start, and nothing but
// another start, or their user's word, says that they do not hold any more what is to go.

import { contentOf, memoryOf } from '../catalog/instance-part.ts';
import type { Store, Stranger } from '../model/inventory.ts';
import type { Blocker } from '../model/step.ts';
import type { Holds } from '../model/value.ts';
import { addBlockers, type Course } from './course.ts';

/** Lets the step at this place wait for those that may hold what is dropped in one of these ways. */
export function waitForStrangers(c: Course, at: number, ways: readonly Holds[], dropped: 'old' | 'new' = 'old'): void {
  const blockers = (c.survey.inventory.strangers ?? [])
    .filter((stranger) => !c.survey.isWaived(stranger.id) && mayHold(c, stranger, ways, dropped))
    .map((stranger) => blockerOf(stranger, dropped));
  addBlockers(c, at, blockers);
}

function mayHold(
  { survey, rotation }: Course,
  { startedAt, stores }: Stranger,
  ways: readonly Holds[],
  dropped: 'old' | 'new',
): boolean {
  return stores.some((id) => {
    const store = survey.store(id);
    const holds = store && holdsOf(store);
    if (!store || !holds || !ways.includes(holds)) return false;
    return rotation.authorities.some((a) =>
      memoryOf(survey, a, startedAt, store, holds, contentOf(store, holds, a)).includes(dropped),
    );
  });
}

const holdsOf = ({ kind, certs }: Store): Holds =>
  kind === 'kubeconfig-ca' || kind === 'bundle' || certs[0]?.isCA ? 'trust' : 'credential';

const blockerOf = ({ id, node, name, pid, paths }: Stranger, dropped: 'old' | 'new'): Blocker => ({
  party: id,
  reason: 'unknown-process',
  message: `process ${pid} names ${paths.join(', ')} and may have read it while it held ${dropped}; reroot does not know whether it reads it again`,
  ways: [
    `restart it once what it names holds ${dropped === 'old' ? 'new' : 'old'}, or say in reroot.yaml how: nodes.${node}.components.${name}.restart`,
    `--waive ${id}=REASON`,
  ],
});
