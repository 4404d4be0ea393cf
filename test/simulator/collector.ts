// Gathers the parts of a hand-written topology.

import type { Authority } from '../../src/core/model/ids.ts';
import type { Actor, ProofKind } from '../../src/core/model/step.ts';
import type { Edge, Flow, Reread, Source, StoreClass, Use, UseKind } from '../../src/core/model/topology.ts';
import type { Holds, Value } from '../../src/core/model/value.ts';

/** Collects a topology; every store and use begins at old. */
export function collector() {
  const stores: StoreClass[] = [];
  const uses: Use[] = [];
  const flows: Flow[] = [];
  const edges: Edge[] = [];
  const initial: { stores: Record<string, Value[]>; uses: Record<string, Value[]> } = { stores: {}, uses: {} };
  return {
    stores,
    uses,
    flows,
    edges,
    initial,
    store(id: string, authority: Authority, holds: Holds, first: Value | undefined = 'old', members = [id]) {
      stores.push({ id, authority, holds, members });
      if (first) initial.stores[id] = [first];
    },
    use(
      id: string,
      kind: UseKind,
      authority: Authority,
      reread: Reread,
      proof: ProofKind,
      sources: Source[],
      parties = [id.slice(0, id.lastIndexOf(':'))],
    ) {
      const holds = {
        signs: 'signer',
        flags: 'flags',
        publishes: 'trust',
        'verifies-servers': 'trust',
        'verifies-clients': 'trust',
        'presents-as-server': 'credential',
        'presents-as-client': 'credential',
      } as const;
      uses.push({ id, kind, authority, holds: holds[kind], reread, proof, sources, party: parties[0]!, parties });
    },
    flow(id: string, how: Flow['how'], from: string[], to: string, actor?: Actor) {
      flows.push({ id, how, from, to, ...(actor && { actor }) });
    },
    edge(channel: string, verifier: string, presenter: string) {
      edges.push({ channel, verifier, presenter });
    },
  };
}

export type Collector = ReturnType<typeof collector>;
export const from = (...stores: string[]): Source[] => stores.map((store) => ({ store }));
