// The universal way back: API servers serve old over the reverse bridge first, so that clients which already trust new alone follow
// one by one; where there can be no such bridge everybody trusts both again first. Then everything presents old; then nothing trusts
// new. Possible until the material of old is destroyed.

import { clusterInfo } from '../catalog/published.ts';
import type { Inventory, Millis } from '../model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../model/rotation.ts';
import type { Plan } from '../model/step.ts';
import { type Course, courseOf } from './course.ts';
import { freeze, unfreeze } from './freeze-steps.ts';
import { look, prove } from './goals.ts';
import { kubeletClient, kubelets, managers, presentProxy, schedulers, serving, signer } from './issue.ts';
import { callees, others } from './issue-others.ts';
import { planOf } from './plan.ts';
import { restartPods } from './pods.ts';
import { clientCAs, laterRootBundle, serverCAs, shrinkUnion } from './retire.ts';
import { ownStoresOf, usesWhere } from './roles.ts';
import { againstReverse } from './route.ts';
import { restartUnknown } from './stale-restarts.ts';
import { staticPods } from './static-pods.ts';
import { waitForStrangers } from './strangers.ts';
import { trustBothAgain } from './trust-again.ts';
import { firstDrop, waitForUnseen } from './unseen-callees.ts';
import { lacking, write } from './write-steps.ts';

/** Steps back to old from wherever the rotation is. No steps: nothing holds new. Pure; `now` in milliseconds. */
export function planRollback(inventory: Inventory, rotation: Rotation, now: Millis): Plan {
  const c = courseOf(inventory, { ...rotation, rollback: true }, now, 'back');
  look(c);
  restartUnknown(c);
  const begun = c.steps.length;
  freeze(c);
  for (const a of c.rotation.authorities) acceptOldAgain(c, a);
  const cluster = c.survey.of('kubernetes');
  const proxy = c.survey.of('front-proxy');
  // Where the steps begin that leave old alone with somebody who verifies, or show it without a bridge.
  let drop: number | undefined;
  if (cluster) {
    if (!goesOverReverse(c, cluster)) {
      trustBothAgain(c, cluster);
      drop = c.steps.length;
    }
    serveOldAgain(c, cluster);
    kubeletClient(c, cluster, 'old', `rollback.${cluster.authority}`);
  }
  if (proxy) presentProxy(c, proxy, 'old');
  if (cluster) {
    signer(c, cluster, 'old');
    // Early: pods that were not restarted count once old has been published for five minutes, which pass while the others restart.
    managers(c, cluster, 'old');
    // As on the way forth: the kubelets' start brings Pods the new Secret.
    callees(c, cluster, 'old');
    kubelets(c, cluster, 'old');
    schedulers(c, cluster, 'old');
    others(c, cluster, 'old');
    staticPods(c, 'old');
    restartPods(c, ['both', 'old'], { presents: 'old' });
    drop ??= c.steps.length;
    serving(c, cluster, 'old', `rollback.${cluster.authority}.last`);
    serverCAs(c, cluster, 'old');
  }
  drop ??= c.steps.length;
  for (const a of c.rotation.authorities) clientCAs(c, a, 'old');
  if (cluster) laterRootBundle(c, cluster, 'old');
  unfreeze(c);
  shrinkUnion(c, 'old');
  // Whoever stands in the way must not keep the others from going back: only what would cut it off waits. By then the signer is old again, so that a
  // kubeconfig that was issued anew on the way forth can be issued anew from old.
  waitForStrangers(c, drop, ['trust', 'credential']);
  waitForUnseen(c, firstDrop(c, begun));
  prove(c, 'rollback');
  return planOf(c);
}

/** Where old was dropped already it is put back beside new first, and shown to be accepted. */
function acceptOldAgain(c: Course, a: AuthorityRotation): void {
  const { authority } = a;
  const clients = usesWhere(c, { authority, kind: 'verifies-clients' });
  write(c, {
    id: `rollback.${authority}.client-ca-both`,
    authority,
    title: 'accept clients from both CAs again',
    stores: ownStoresOf(c, clients),
    value: 'both',
  });
  const bundles = usesWhere(c, { authority, kind: 'verifies-servers' }).filter((use) => use.id.endsWith(':ca-bundle'));
  write(c, {
    id: `rollback.${authority}.ca-bundles-both`,
    authority,
    title: 'let API servers trust both CAs at what they call again',
    stores: ownStoresOf(c, bundles),
    value: 'both',
  });
  const info = authority === 'kubernetes' ? clusterInfo(c.survey) : undefined;
  write(c, {
    id: `rollback.${authority}.cluster-info-both`,
    authority,
    title: 'let nodes that join trust both CAs again',
    stores: info ? [info.id] : [],
    value: 'both',
  });
}

/** Old over the reverse bridge where somebody may trust new alone; where nobody can, old itself. */
function serveOldAgain(c: Course, a: AuthorityRotation): void {
  const { authority } = a;
  const uses = usesWhere(c, { authority, component: 'kube-apiserver', kind: 'presents-as-server' });
  const stores = lacking(c, ownStoresOf(c, uses), 'old');
  if (stores.length === 0) return;
  serving(c, a, goesOverReverse(c, a) ? 'old+reverse' : 'old', `rollback.${authority}`);
}

/** Old certified by new carries old to who trusts new alone. Not where the old key leaked, and not where no such bridge can be. */
const goesOverReverse = (c: Course, a: AuthorityRotation): boolean =>
  !c.rotation.compromised && againstReverse(a.old, a.new, c.survey.now) === undefined;
