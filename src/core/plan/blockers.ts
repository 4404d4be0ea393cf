// Parties that no proof and no step of ours can move: a pod that keeps what it read at its start, a person's kubeconfig, a node that
// is away. Each is named with the ways on.

import { type PartyId, parseFileId } from '../model/ids.ts';
import type { Violation } from '../model/invariant.ts';
import { believed, type State } from '../model/state.ts';
import type { Blocker } from '../model/step.ts';
import type { Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';
import { type Course, endsOf } from './course.ts';

export interface Stuck {
  use: Use;
  value: Value;
}

/** What it holds of this value cannot be shown gone: what was not started since holds old, or what it read since. */
const isStuck = (use: Use, value: Value): boolean => isFixed(use) || (use.untouched === true && value === 'old');

/** A party whose memory nobody can say anything new about. */
export const isFixed = (use: Use): boolean => use.reread === 'never-known' && use.untouched !== true;

/** The fixed parties of these violations whose other end does not give way either. */
export function helpless(c: Course, s: State, violations: readonly Violation[]): Stuck[] {
  const found = new Map<string, Stuck>();
  for (const violation of violations) {
    if (violation.rule !== 'channel') continue;
    for (const edge of violation.edges) {
      const verifier = c.uses.get(edge.verifier);
      const presenter = c.uses.get(edge.presenter);
      if (!verifier || !presenter) continue;
      const ends = [
        { use: verifier, value: violation.verifier.value, other: presenter, shown: violation.presenter.value },
        { use: presenter, value: violation.presenter.value, other: verifier, shown: violation.verifier.value },
      ];
      for (const { use, value, other, shown } of ends) {
        if (isStuck(use, value) && !givesWay(c, s, other, shown)) found.set(`${use.id} ${value}`, { use, value });
      }
    }
  }
  return [...found.values()];
}

/** An end whose value is an old possibility that can be shown gone. */
function givesWay(c: Course, s: State, use: Use, value: Value): boolean {
  if (isStuck(use, value)) return false;
  const values = believed(c.t, s, use.id);
  return values.length > 1 && values.includes(value);
}

/** One blocker for each party of the use: users waive them one by one. */
export const blockersOf = (c: Course, use: Use, value: Value): Blocker[] =>
  use.parties.map((party) => blockerOf(c, use, value, party));

const waive = (party: PartyId): string => `--waive ${party}=REASON`;

function blockerOf(c: Course, use: Use, value: Value, party: PartyId): Blocker {
  const file = parseFileId(party);
  const { gone, stays } = endsOf(c);
  if (party.startsWith('pod/')) return podBlocker(c, use, party);
  if (file) return fileBlocker(c, { use, value }, party, file);
  if (party.startsWith('object/')) {
    return {
      party,
      reason: 'copy-holds-old',
      message: `it holds a copy of the ${gone} CA without the ${stays} one (${value})`,
      ways: [`put the ${stays} CA into it beside the ${gone} one, by the tool that keeps it`, waive(party)],
    };
  }
  const other = c.survey.inventory.nodes.find(({ name }) => party === `node/${name}`)?.unsupported;
  if (other) {
    return {
      party,
      reason: 'node-not-supported',
      message: `${other.what}: its kubelet may trust and present old`,
      ways: [other.instead, waive(party)],
    };
  }
  if (party.startsWith('node/')) {
    const why = c.survey.inventory.nodes.find(({ name }) => party === `node/${name}`)?.why;
    return {
      party,
      reason: 'node-not-reached',
      message: `it was not reached${why === undefined ? '' : ` (${why})`}: its kubelet may trust and present old, and what its pods and its files hold cannot be seen`,
      ways: [`make it reachable (reroot.yaml, nodes.${party.slice(5)})`, waive(party)],
    };
  }
  if (/^(webhook|apiservice|crd)\//.test(party)) {
    return {
      party,
      reason: 'callee-serves-old',
      message: `it serves a certificate from the ${gone} CA, and reroot does not know where that certificate is kept`,
      ways: [`have its owner issue it anew through the CSR API, which signs with ${stays} by now`, waive(party)],
    };
  }
  const [node = '', component = ''] = party.split('/');
  return {
    party,
    reason: 'component-not-restartable',
    message: `it reads its certificates at its start (${use.kind}: ${value}), and reroot does not know how to restart it`,
    ways: [`say how in reroot.yaml: nodes.${node}.components.${component}.restart`, waive(party)],
  };
}

function podBlocker(c: Course, use: Use, party: PartyId): Blocker {
  if (!use.id.endsWith(':root-ca')) {
    return {
      party,
      reason: 'pod-mounts-old-kubeconfig',
      message: 'it mounts a kubeconfig of its node and started before that was reissued',
      ways: [
        c.survey.isBare(party) ? 'restart it (delete the pod, or touch its manifest)' : '--restart stale',
        waive(party),
      ],
    };
  }
  return {
    party,
    reason: 'pod-holds-old',
    message:
      c.direction === 'forward'
        ? 'it started before kube-root-ca.crt held the new CA, and nothing says that it reads it again'
        : 'it may have started while kube-root-ca.crt held new alone, and nothing says that it reads it again',
    ways: [
      c.survey.isBare(party)
        ? 'delete and create it again: nothing owns it, so an eviction would not bring it back'
        : '--restart stale',
      waive(party),
    ],
  };
}

function fileBlocker(
  c: Course,
  { use, value }: Stuck,
  party: PartyId,
  { node, path }: { node: string; path: string },
): Blocker {
  const isKubeconfig = c.survey
    .storesOn(node)
    .some((store) => store.path === path && store.kind.startsWith('kubeconfig-'));
  if (!isKubeconfig) {
    const { gone, stays } = endsOf(c);
    return {
      party,
      reason: 'copy-holds-old',
      message: `it is a copy of the ${gone} CA without the ${stays} one, and no component reads it`,
      ways: [`put the ${stays} CA into it, or remove it: ${path} on ${node}`, waive(party)],
    };
  }
  const presents = use.kind === 'presents-as-client';
  const holds = presents ? `its client certificate is from the ${value} CA` : `it trusts the ${value} CA only`;
  return {
    party,
    reason: 'kubeconfig-holds-old',
    message: `${holds}: its user would be cut off`,
    ways: [`on ${node}: reroot kubeconfig ${presents ? 'reissue' : 'add'} ${path}`, waive(party)],
  };
}
