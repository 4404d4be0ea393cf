// Steps that restart: standbys before leaders, nodes in waves, control planes one at a time. A party that has already loaded what it
// must is left alone, which is how a resumed rotation restarts nothing twice.

import type { Authority, PartyId } from '../model/ids.ts';
import type { Instance } from '../model/inventory.ts';
import type { Proof } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';
import { type Course, isControlPlane, loadedNow } from './course.ts';
import { isAtLeast } from './order.ts';
import { place } from './place.ts';

/** What a use must have loaded, or anything further along. */
export interface Need {
  use: Use;
  value: Value;
}

/** Parties that have not loaded what they need. All parties of a use that has several count, for any of them may be the one. */
export function outdated(c: Course, needs: readonly Need[]): PartyId[] {
  const lacking = needs.filter(
    ({ use, value }) => !loadedNow(c, use).every((one) => isAtLeast(c.direction, use.holds, one, value)),
  );
  return [...new Set(lacking.flatMap(({ use }) => use.parties))];
}

export interface RestartWish {
  id: string;
  authority: Authority;
  title: string;
  waves: readonly (readonly PartyId[])[];
  /** What the parties have loaded then. */
  loads: readonly Value[];
  unless?: readonly Proof[];
}

export function restart(c: Course, wish: RestartWish): void {
  const parties = wish.waves.flat();
  if (parties.length === 0) return;
  place(c, {
    id: wish.id,
    authority: wish.authority,
    title: wish.title,
    action: { do: 'restart', waves: wish.waves },
    effects: [{ kind: 'restart', parties }],
    proof: [{ kind: 'restarted', authority: wish.authority, of: parties, keep: [...new Set(wish.loads)] }],
    inverse: { do: 'restart', waves: wish.waves },
    ...(wish.unless ? { unless: wish.unless } : {}),
  });
  for (const party of parties) c.restarted.add(party);
}

/** Components that elect a leader may restart together, the leader last; where nobody knows who leads, one after the other. */
export function leaderLast(c: Course, component: string, parties: readonly PartyId[]): PartyId[][] {
  const wanted = new Set(parties);
  const instances = c.survey.instances(component).filter((instance) => wanted.has(instance.id));
  const leaders = instances.filter((instance) => instance.leader === true);
  if (leaders.length === 0) return instances.map((instance) => [instance.id]);
  const followers = instances.filter((instance) => instance.leader !== true);
  return [followers, leaders].filter((wave) => wave.length > 0).map((wave) => wave.map((instance) => instance.id));
}

/** Kubelets: control planes one at a time, then the others, as many at once as the user allows. */
export function nodeWaves(c: Course, parties: readonly PartyId[]): PartyId[][] {
  const wanted = new Set(parties);
  const kubelets = c.survey.instances('kubelet').filter((kubelet) => wanted.has(kubelet.id));
  const onPlane = (kubelet: Instance) => isControlPlane(c, kubelet.node);
  const size = waveSize(c.rotation.maxUnavailable, c.survey.instances('kubelet').length);
  return [
    ...kubelets.filter(onPlane).map((kubelet) => [kubelet.id]),
    ...chunks(
      kubelets.filter((kubelet) => !onPlane(kubelet)).map((kubelet) => kubelet.id),
      size,
    ),
  ];
}

/** `3` or `10%` of all nodes, rounded down, at least one. */
export function waveSize(maxUnavailable: string, nodes: number): number {
  const match = /^(\d+)(%?)$/.exec(maxUnavailable.trim());
  const number = match ? Number(match[1]) : 1;
  return Math.max(1, match?.[2] ? Math.floor((nodes * number) / 100) : number);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const waves: T[][] = [];
  for (let i = 0; i < items.length; i += size) waves.push(items.slice(i, i + size));
  return waves;
}

/** API servers serve: one after the other, always. */
export const oneByOne = (parties: readonly PartyId[]): PartyId[][] => parties.map((party) => [party]);
