// Pods that keep the CA they read at their start: evicted where the user chose so, else named when they stand in the way.

import { byKey } from '../catalog/survey.ts';
import { objectId } from '../model/ids.ts';
import type { Pod } from '../model/inventory.ts';
import type { Proof } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';
import { isFixed } from './blockers.ts';
import { type Course, held, membersOf } from './course.ts';
import { type Draft, place } from './place.ts';
import { nameOf, storesOf, usesWhere } from './roles.ts';

export interface PodRestart {
  /** Once the node's kubeconfigs hold this, pods that read one of them before are stale too. */
  presents?: Value;
  /** Told apart from another restart of the same move: the end of the steps' ids. */
  id?: string;
}

/**
 * Adds the restart of pods that do not hold one of `keep` and would come back. `stale`: only those that are known to be stale, by the
 * Eviction API, whoever owns them. `all`: every pod that mounts the CA; what its owner can roll out anew by its own strategy is rolled
 * out, Jobs and the like are evicted.
 */
export function restartPods(c: Course, keep: readonly Value[], { presents, id = '' }: PodRestart = {}): void {
  const { restart } = c.rotation;
  if (restart === 'none') return;
  const wanted = (use: Use): readonly Value[] => (use.kind === 'presents-as-client' && presents ? [presents] : keep);
  const uses = usesWhere(c, { component: 'pod' }).filter((use) =>
    isOfCA(use)
      ? restart === 'all' || isFixed(use)
      : presents !== undefined && isFixed(use) && storesOf([use]).every((id) => holdsOnly(c, id, wanted(use))),
  );
  const stale = uses.filter((use) => !holdsOnly(c, use.id, wanted(use)));
  const known = new Map(c.survey.inventory.pods.map((pod) => [pod.id, pod]));
  // What a pod on a node that is away would be given there cannot be seen: it is named, as its node is.
  const away = new Set(c.survey.inventory.nodes.flatMap(({ name, reached }) => (reached ? [] : [name])));
  const isOurs = (pod: Pod | undefined) => pod?.owner !== undefined && !away.has(pod.node);
  const whole = stale.filter((use) => use.parties.every((party) => isOurs(known.get(party))));
  const [first] = whole;
  if (!first) return;
  const { authority } = first;
  const parties = new Set(whole.flatMap((use) => use.parties));
  const pods = [...parties].flatMap((party) => known.get(party) ?? []);
  const rolled = restart === 'all' ? pods.filter((pod) => pod.workload) : [];
  const evicted = pods.filter((pod) => !rolled.includes(pod));
  const shown = [...byKey(whole, (use) => wanted(use).join()).values()].map(
    (some): Proof => ({ kind: 'loaded', authority, of: some.map((use) => use.id), keep: wanted(some[0] as Use) }),
  );
  // What shows that all of them are new ends the last of the two steps, for a class of pods may hold some of either kind.
  const common = { authority, gate: givenTo(c, whole.filter(isOfCA), keep), inverse: { do: 'prove' } as const };
  if (rolled.length > 0) place(c, { ...common, ...rollOf(c, rolled, id), proof: evicted.length > 0 ? [] : shown });
  if (evicted.length > 0) place(c, { ...common, ...evictionOf(c, evicted, id), proof: shown });
}

/** Of the projected CA, not of a kubeconfig of its node; that one holds what it must already. */
const isOfCA = (use: Use): boolean => nameOf(use) === 'root-ca';

const holdsOnly = (c: Course, id: string, keep: readonly Value[]): boolean =>
  held(c, id).every((value) => keep.includes(value));

type Doing = Pick<Draft, 'id' | 'title' | 'action' | 'effects'>;

function evictionOf(c: Course, evicted: readonly Pod[], end: string): Doing {
  const pods = evicted.map(({ id }) => id);
  return {
    id: `${c.move}.kubernetes.evict${end}`,
    title: `evict ${pods.length === 1 ? 'the pod' : `${pods.length} pods`} that started before the new CA reached them`,
    action: { do: 'evict', pods },
    effects: [{ kind: 'restart', parties: pods }],
  };
}

function rollOf(c: Course, rolled: readonly Pod[], end: string): Doing {
  const pods = rolled.map(({ id }) => id);
  const workloads = [
    ...new Set(
      rolled.flatMap(({ namespace, workload }) => (workload ? objectId(workload.kind, namespace, workload.name) : [])),
    ),
  ];
  return {
    id: `${c.move}.kubernetes.roll-out${end}`,
    title: `let ${workloads.length === 1 ? 'the workload' : `${workloads.length} workloads`} restart ${pods.length === 1 ? 'the pod' : `${pods.length} pods`} that mount the CA`,
    action: { do: 'roll', workloads, pods },
    effects: [{ kind: 'restart', parties: pods }],
  };
}

/** What a new pod is given must be good first: the ConfigMaps, then the files made from them. */
function givenTo(c: Course, uses: readonly Use[], keep: readonly Value[]): Proof[] {
  const files = storesOf(uses);
  const maps = [...new Set(c.t.flows.filter((flow) => files.includes(flow.to)).flatMap((flow) => flow.from))];
  const authority = uses[0]?.authority ?? 'kubernetes';
  const lacking = (ids: readonly string[]) => ids.filter((id) => !holdsOnly(c, id, keep));
  const proofs: Proof[] = [
    { kind: 'published', authority, of: membersOf(c, lacking(maps)), keep },
    { kind: 'holds', authority, of: membersOf(c, lacking(files)), keep },
  ];
  return proofs.filter((proof) => proof.of.length > 0);
}
