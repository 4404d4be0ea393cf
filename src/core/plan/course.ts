// A plan while it is made: the topology, the beliefs as they will be once the steps so far were done and proved, and the steps.

import { type Survey, surveyOf } from '../catalog/survey.ts';
import { topologyFrom } from '../catalog/topology.ts';
import { type PartyId, parseFileId, type StoreId, type UseId } from '../model/ids.ts';
import type { Inventory, Millis } from '../model/inventory.ts';
import type { Move, Rotation } from '../model/rotation.ts';
import { believed, initialState, type State } from '../model/state.ts';
import type { Blocker, Refusal, Step } from '../model/step.ts';
import type { StoreClass, Topology, Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';

export interface Course {
  survey: Survey;
  t: Topology;
  rotation: Rotation;
  /** Values are ordered towards new, or towards old when the way goes back. */
  direction: 'forward' | 'back';
  move: Move;
  state: State;
  steps: Step[];
  refusal?: Refusal;
  uses: ReadonlyMap<UseId, Use>;
  stores: ReadonlyMap<StoreId, StoreClass>;
  /** What each store was seen to hold, or was given by a step since: unlike a belief, without what others might do to it. */
  content: Map<StoreId, Value>;
  /** Stores that steps of this plan write, and parties that they restart. */
  written: Set<StoreId>;
  restarted: Set<PartyId>;
}

export function courseOf(
  inventory: Inventory,
  rotation: Rotation,
  now: Millis,
  direction: Course['direction'],
): Course {
  const survey = surveyOf(inventory, rotation, now);
  const t = topologyFrom(survey);
  return {
    survey,
    t,
    rotation,
    direction,
    move: direction === 'back' ? 'rollback' : 'trust',
    state: initialState(t),
    steps: [],
    uses: new Map(t.uses.map((use) => [use.id, use])),
    stores: new Map(t.stores.map((store) => [store.id, store])),
    content: new Map(
      Object.entries(t.initial.stores).flatMap(([id, [value, ...more]]) =>
        value && more.length === 0 ? [[id, value]] : [],
      ),
    ),
    written: new Set(),
    restarted: new Set(),
  };
}

/** The CA that is to go and the one that stays, by the way that is gone. */
export const endsOf = ({ direction }: Pick<Course, 'direction'>): Record<'gone' | 'stays', 'old' | 'new'> =>
  direction === 'forward' ? { gone: 'old', stays: 'new' } : { gone: 'new', stays: 'old' };

export const held = (c: Course, id: StoreId | UseId): Value[] => believed(c.t, c.state, id);

/** What a use has loaded: as the inventory shows it, while no step of this plan touched it or what it reads. */
export function loadedNow(c: Course, use: Use): readonly Value[] {
  const touched =
    use.sources.some(({ store }) => c.written.has(store)) || use.parties.some((one) => c.restarted.has(one));
  return (touched ? undefined : c.t.initial.uses[use.id]) ?? held(c, use.id);
}

/** Lets the step at this place wait for these as well; where there is none, nothing waits. */
export function addBlockers(c: Course, at: number, blockers: readonly Blocker[]): void {
  const step = c.steps[at];
  if (step) c.steps[at] = { ...step, blockers: [...step.blockers, ...blockers] };
}

/** The real stores behind store ids: a class's members. */
export const membersOf = (c: Course, ids: readonly StoreId[]): StoreId[] =>
  ids.flatMap((id) => c.stores.get(id)?.members ?? [id]);

/** The node of a store that is a file on one node; undefined for objects and for classes over several nodes. */
export function nodeOfStore(c: Course, id: StoreId): string | undefined {
  const members = membersOf(c, [id]);
  const nodes = new Set(members.map((member) => parseFileId(member)?.node));
  return nodes.size === 1 ? [...nodes][0] : undefined;
}

export const isControlPlane = (c: Course, node: string): boolean =>
  c.survey.instances('kube-apiserver').some((server) => server.node === node);
