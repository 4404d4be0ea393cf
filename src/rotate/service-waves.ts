// Which kubelets of a wave may restart together: never all nodes that hold the ready endpoints of one Service (trap 21). Pure.

import type { NodeName } from '../core/model/ids.ts';
import { type EndpointSlice, isReady, serviceOf } from './endpoints-left.ts';

/** Where a Service's endpoints are. */
export interface Spread {
  /** NAMESPACE/NAME. */
  service: string;
  /** Nodes with a ready endpoint. `''` stands for addresses that are on no node: no kubelet's restart takes those away. */
  ready: ReadonlySet<NodeName | ''>;
  /** Uids of pods behind it that are not ready. */
  unready: ReadonlySet<string>;
}

/** All slices of a Service together, IPv4 and IPv6. */
export function spreadsOf(slices: readonly EndpointSlice[]): Spread[] {
  const spreads = new Map<string, { service: string; ready: Set<string>; unready: Set<string> }>();
  for (const slice of slices) {
    const name = serviceOf(slice);
    if (name === undefined) continue;
    const service = `${slice.metadata.namespace ?? ''}/${name}`;
    const spread = spreads.get(service) ?? { service, ready: new Set(), unready: new Set() };
    spreads.set(service, spread);
    for (const endpoint of slice.endpoints ?? []) {
      if (isReady(endpoint)) spread.ready.add(endpoint.nodeName ?? '');
      else if (endpoint.targetRef?.uid !== undefined) spread.unready.add(endpoint.targetRef.uid);
    }
  }
  return [...spreads.values()];
}

export interface Part {
  /** Nodes that may go now, at least one of those asked for. */
  now: NodeName[];
  /** Those that wait for them, with a Service that would be dark otherwise. */
  later: { node: NodeName; service: string }[];
}

/**
 * The nodes of a wave that may go now. A Service whose ready endpoints are all on one node is left out of it: no order helps that one. What is
 * later is asked for again when these are back, for by then endpoints may have moved.
 */
export function partOf(wave: readonly NodeName[], spreads: readonly Spread[]): Part {
  const part: Part = { now: [], later: [] };
  const spread = spreads.filter(({ ready }) => ready.size > 1);
  const now = new Set<NodeName>();
  for (const node of wave) {
    const dark = spread.find(({ ready }) => [...ready].every((one) => one === node || now.has(one)));
    if (dark) {
      part.later.push({ node, service: dark.service });
    } else {
      now.add(node);
      part.now.push(node);
    }
  }
  return part;
}

/** Services with a pod that did not come back from an earlier wave, all of whose other endpoints these nodes have. */
export const darkened = (
  nodes: readonly NodeName[],
  spreads: readonly Spread[],
  notBack: ReadonlySet<string>,
): string[] =>
  spreads
    .filter(
      ({ ready, unready }) => ready.size > 0 && [...unready].some((uid) => notBack.has(uid)) && isIn(ready, nodes),
    )
    .map(({ service }) => service)
    .sort();

const isIn = (ready: Spread['ready'], nodes: readonly NodeName[]): boolean =>
  [...ready].every((node) => nodes.includes(node));
