// After an interruption: a process that is older than its files may hold anything they have held, and no measurement tells. Where that
// would break a channel by itself it is restarted first; everything else waits for its planned restart.

import { MANAGER } from '../catalog/manager.ts';
import type { Authority, PartyId } from '../model/ids.ts';
import { componentOf, violations } from '../model/invariant.ts';
import type { Use } from '../model/topology.ts';
import { type Course, held } from './course.ts';
import { leaderLast, nodeWaves, oneByOne, restart } from './restart-steps.ts';

export function restartUnknown(c: Course): void {
  const doubtful = new Map<string, Use>();
  for (const violation of violations(c.t, c.state)) {
    if (violation.rule !== 'channel') continue;
    for (const edge of violation.edges) {
      for (const id of [edge.verifier, edge.presenter]) {
        const use = c.uses.get(id);
        if (use && isDoubtful(c, use)) doubtful.set(id, use);
      }
    }
  }
  const uses = [...doubtful.values()];
  const authority: Authority = uses[0]?.authority ?? 'kubernetes';
  const byComponent = new Map<string, Set<PartyId>>();
  for (const party of uses.flatMap((use) => use.parties)) {
    const component = componentOf(party);
    byComponent.set(component, (byComponent.get(component) ?? new Set()).add(party));
  }
  for (const [component, parties] of byComponent) {
    restart(c, {
      id: `${c.move}.${authority}.restart-unknown.${component}`,
      authority,
      title: `restart each ${component} that is older than its files, so that it is known what it holds`,
      waves: wavesOf(c, component, [...parties]),
      loads: ['old', 'new', 'both', 'new+bridge', 'old+reverse', 'split'],
    });
  }
}

/** Started before its file changed, and read at its start. */
function isDoubtful(c: Course, use: Use): boolean {
  const readsAtStart = use.reread === 'restart' || use.reread === 'own-rotation';
  return (
    readsAtStart && use.sources.length > 0 && (c.t.initial.uses[use.id]?.length ?? 0) > 1 && held(c, use.id).length > 1
  );
}

function wavesOf(c: Course, component: string, parties: readonly PartyId[]): PartyId[][] {
  if (component === 'kubelet') return nodeWaves(c, parties);
  return component === MANAGER || component === 'kube-scheduler'
    ? leaderLast(c, component, parties)
    : oneByOne(parties);
}
