// Small topologies for unit tests: a list of stores and uses with everything unsaid filled in.

import type { Actor, ProofKind } from '../../src/core/model/step.ts';
import type {
  Edge,
  Flow,
  RolePair,
  Source,
  StoreClass,
  Topology,
  Use,
  UseKind,
} from '../../src/core/model/topology.ts';
import type { Holds, Value } from '../../src/core/model/value.ts';

export interface TinyStore {
  holds?: Holds;
  first?: Value[];
  members?: string[];
}

export interface TinyUse {
  kind?: UseKind;
  reads?: (string | Source)[];
  parties?: string[];
  first?: Value[];
  proof?: ProofKind;
  /** Read at the start only, and proved by a restart. */
  atStart?: boolean;
}

const HOLDS: Record<UseKind, Holds> = {
  'verifies-servers': 'trust',
  'verifies-clients': 'trust',
  'presents-as-server': 'credential',
  'presents-as-client': 'credential',
  signs: 'signer',
  publishes: 'trust',
  flags: 'flags',
};

export interface Tiny {
  stores?: Record<string, TinyStore>;
  uses?: Record<string, TinyUse>;
  flows?: Flow[];
  /** `verifier presenter`. */
  edges?: string[];
  pairs?: RolePair[];
  actors?: Actor[];
}

/** Stores hold trust and begin at old unless said; a use's party is its id up to the colon. */
export function tiny({ stores = {}, uses = {}, flows = [], edges = [], pairs, actors = [] }: Tiny): Topology {
  const storeList: StoreClass[] = Object.entries(stores).map(([id, { holds = 'trust', members = [id] }]) => ({
    id,
    authority: 'kubernetes',
    holds,
    members,
  }));
  const useList: Use[] = Object.entries(uses).map(([id, use]) => {
    const kind = use.kind ?? 'verifies-servers';
    const parties = use.parties ?? [id.slice(0, id.lastIndexOf(':'))];
    const sources = (use.reads ?? []).map((read) => (typeof read === 'string' ? { store: read } : read));
    const rest = {
      authority: 'kubernetes',
      kind,
      holds: HOLDS[kind],
      reread: use.atStart ? 'restart' : 'at-once',
      proof: use.proof ?? (use.atStart ? 'restarted' : 'loaded'),
    } as const;
    return { id, party: parties[0]!, parties, sources, ...rest };
  });
  const edgeList: Edge[] = edges.map((text) => {
    const [verifier = '', presenter = ''] = text.split(' ');
    return { channel: text, verifier, presenter };
  });
  return {
    stores: storeList,
    uses: useList,
    flows,
    edges: edgeList,
    ...(pairs && { pairs }),
    initial: {
      stores: Object.fromEntries(
        Object.entries(stores).map(([id, { first }]): [string, Value[]] => [id, first ?? ['old']]),
      ),
      uses: Object.fromEntries(Object.entries(uses).flatMap(([id, { first }]) => (first ? [[id, first]] : []))),
    },
    actors,
  };
}
