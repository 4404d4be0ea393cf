// Which uses and stores of the topology a move is about, by role. The planner never looks at paths.

import { LEADER, MANAGER, ROOT_CA, SIGNER } from '../catalog/manager.ts';
import { UNION } from '../catalog/published.ts';
import type { Authority, StoreId } from '../model/ids.ts';
import { componentOf } from '../model/invariant.ts';
import type { Use, UseKind } from '../model/topology.ts';
import type { FlagSet } from '../model/value.ts';
import type { Course } from './course.ts';

export interface UseQuery {
  authority?: Authority;
  kind?: UseKind;
  /** Component of the party, or the first word of its id (`pod`, `webhook`, `file`). */
  component?: string;
  name?: string | RegExp;
}

export function usesWhere(c: Course, query: UseQuery): Use[] {
  return c.t.uses.filter((use) => {
    if (query.authority !== undefined && use.authority !== query.authority) return false;
    if (query.kind !== undefined && use.kind !== query.kind) return false;
    if (query.component !== undefined && componentOf(use.party) !== query.component) return false;
    return query.name === undefined || matches(nameOf(use), query.name);
  });
}

export const nameOf = (use: Use): string => use.id.slice(use.party.length + 1);
const matches = (name: string, wanted: string | RegExp): boolean =>
  typeof wanted === 'string' ? name === wanted : wanted.test(name);

/** Stores these uses read, each once. */
export const storesOf = (uses: readonly Use[]): StoreId[] => [
  ...new Set(uses.flatMap((use) => use.sources.map((source) => source.store))),
];

/** Stores that reroot writes: what a flow fills is written by whoever runs the flow. */
export function ownStoresOf(c: Course, uses: readonly Use[]): StoreId[] {
  return storesOf(uses).filter(
    (id) => !id.startsWith(UNION) && !c.t.flows.some((flow) => flow.to === id && !flow.actor),
  );
}

/** The signer's or the root bundle's files of its own. */
export function leaderStores(c: Course, which: 'signer' | 'root-ca', is: FlagSet | 'any'): StoreId[] {
  const use = c.uses.get(which === 'signer' ? SIGNER : ROOT_CA);
  const sources = use?.sources.filter((source) => is === 'any' || source.when?.is === is) ?? [];
  return [...new Set(sources.map((source) => source.store))];
}

/** Whether the controller managers must get a signer file of their own, or have it. */
export const isSplitting = (c: Course): boolean => leaderStores(c, 'root-ca', 'split').length > 0;

export const CONTROL_PLANE = new Set(['kube-apiserver', MANAGER, 'kube-scheduler', 'kubelet', LEADER]);

/** Uses of instances that are no component of Kubernetes: webhooks, aggregated API servers and the like, as processes. */
export function otherInstanceUses(c: Course, authority: Authority): Use[] {
  const others = new Set(
    c.survey.inventory.instances.filter((one) => !CONTROL_PLANE.has(one.component)).map((one) => one.id),
  );
  return c.t.uses.filter((use) => use.authority === authority && others.has(use.party));
}
