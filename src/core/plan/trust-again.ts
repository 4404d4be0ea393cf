// The bundle route's way back: no reverse bridge carries old to who trusts new alone, so everybody is made to trust both again, with a
// restart where that takes one, before anything presents old.

import { MANAGER } from '../catalog/manager.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Use } from '../model/topology.ts';
import type { Course } from './course.ts';
import { restartPods } from './pods.ts';
import { leaderLast, type Need, nodeWaves, oneByOne, outdated, restart } from './restart-steps.ts';
import { leaderStores, otherInstanceUses, ownStoresOf, usesWhere } from './roles.ts';
import { write } from './write-steps.ts';

export function trustBothAgain(c: Course, a: AuthorityRotation): void {
  const { authority } = a;
  const own = usesWhere(c, { authority, kind: 'verifies-servers' }).filter((use) => !use.id.endsWith(':ca-bundle'));
  const kubelets = own.filter((use) => use.id.endsWith(':kubelet-ca'));
  const others = own.filter((use) => !kubelets.includes(use));
  const to = (id: string, title: string, stores: readonly string[]) =>
    write(c, { id: `rollback.${authority}.${id}-both`, authority, title, stores, value: 'both' });
  to('kubeconfigs', 'trust both CAs in kubeconfigs again', ownStoresOf(c, others));
  to('kubelet-servers', 'let API servers trust both CAs at kubelets again', ownStoresOf(c, kubelets));
  to('root-bundle', 'publish both CAs as kube-root-ca.crt again', leaderStores(c, 'root-ca', 'split'));
  restarts(c, a, kubelets);
  restartPods(c, ['both', 'old'], { id: '-both' });
}

/** Those who read at their start only. Whoever holds both already is left alone. */
function restarts(c: Course, a: AuthorityRotation, kubeletServers: readonly Use[]): void {
  const { authority } = a;
  const lacking = (uses: readonly Use[]) =>
    outdated(
      c,
      uses.map((use): Need => ({ use, value: 'both' })),
    );
  const again = (id: string, title: string, waves: readonly (readonly string[])[]) =>
    restart(c, { id: `rollback.${authority}.restart-${id}-both`, authority, title, waves, loads: ['both'] });
  const of = (component: string) => usesWhere(c, { authority, component, kind: 'verifies-servers' });
  const publishes = usesWhere(c, { authority, kind: 'publishes', component: MANAGER });
  again(
    'managers',
    'restart the controller managers for it, the leader last',
    leaderLast(c, MANAGER, lacking([...of(MANAGER), ...publishes])),
  );
  again(
    'api-servers',
    'restart the API servers for it, which read --kubelet-certificate-authority at their start only',
    oneByOne(lacking(kubeletServers.filter((use) => use.reread === 'restart'))),
  );
  again(
    'schedulers',
    'restart the schedulers for it, the leader last',
    leaderLast(c, 'kube-scheduler', lacking(of('kube-scheduler'))),
  );
  again('kubelets', 'restart the kubelets for it, in waves', nodeWaves(c, lacking(of('kubelet'))));
  const processes = otherInstanceUses(c, authority).filter(
    (use) => use.kind === 'verifies-servers' && use.reread === 'restart',
  );
  again('others', 'restart the other clients of the API server for it', oneByOne(lacking(processes)));
}
