// Pods that keep the CA they read at their start: evicted where the user chose so, else named when they stand in the way.

import type { PartyId } from '../model/ids.ts';
import type { Proof } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';
import { isFixed } from './blockers.ts';
import { type Course, held, membersOf } from './course.ts';
import { place } from './place.ts';
import { storesOf, usesWhere } from './roles.ts';

/**
 * Adds the eviction of pods that do not hold one of `keep` and would come back. `stale`: only those that are known to be; `all`: every
 * pod that mounts the CA. Whatever owns them makes new ones; budgets hold, for it is the Eviction API.
 */
export function evictStale(c: Course, keep: readonly Value[]): void {
  const { restart } = c.rotation;
  if (restart === 'none') return;
  const uses = usesWhere(c, { component: 'pod', kind: 'verifies-servers', name: 'root-ca' }).filter(
    (use) => restart === 'all' || isFixed(use),
  );
  const stale = uses.filter((use) => !held(c, use.id).every((value) => keep.includes(value)));
  const owned = ownedPods(c);
  const whole = stale.filter((use) => use.parties.every((party) => owned.has(party)));
  const [first] = whole;
  if (!first) return;
  const pods = whole.flatMap((use) => use.parties);
  place(c, {
    id: `${c.move}.${first.authority}.evict`,
    authority: first.authority,
    title: `evict ${pods.length === 1 ? 'the pod' : `${pods.length} pods`} that started before the new CA reached them`,
    action: { do: 'evict', pods },
    effects: [{ kind: 'restart', parties: pods }],
    gate: givenTo(c, whole, keep),
    proof: [{ kind: 'loaded', authority: first.authority, of: whole.map((use) => use.id), keep }],
    inverse: { do: 'prove' },
  });
}

const ownedPods = (c: Course): ReadonlySet<PartyId> =>
  new Set(c.survey.inventory.pods.filter((pod) => pod.owner !== undefined).map((pod) => pod.id));

/** What a new pod is given must be good first: the ConfigMaps, then the files made from them. */
function givenTo(c: Course, uses: readonly Use[], keep: readonly Value[]): Proof[] {
  const files = storesOf(uses);
  const maps = [...new Set(c.t.flows.filter((flow) => files.includes(flow.to)).flatMap((flow) => flow.from))];
  const authority = uses[0]?.authority ?? 'kubernetes';
  const lacking = (ids: readonly string[]) => ids.filter((id) => !held(c, id).every((value) => keep.includes(value)));
  const proofs: Proof[] = [
    { kind: 'published', authority, of: membersOf(c, lacking(maps)), keep },
    { kind: 'holds', authority, of: membersOf(c, lacking(files)), keep },
  ];
  return proofs.filter((proof) => proof.of.length > 0);
}
