// Static pods that mount kubeconfigs of their node, as kube-vip does with admin.conf: they hold what they read at their start (trap 14).

import type { Use } from '../model/topology.ts';
import type { Value } from '../model/value.ts';
import type { Course } from './course.ts';
import { type Need, oneByOne, outdated, restart } from './restart-steps.ts';
import { usesWhere } from './roles.ts';

export const staticPodUses = (c: Course): Use[] =>
  usesWhere(c, { authority: 'kubernetes', component: 'pod' }).filter((use) => use.reread === 'restart');

/** One after the other, once the files were written: such a pod may hold the address that everybody comes in by. */
export function staticPods(c: Course, value: Value): void {
  restart(c, {
    id: `${c.move}.kubernetes.restart-static-pods`,
    authority: 'kubernetes',
    title: 'restart the static pods that read a kubeconfig of their node at their start',
    waves: oneByOne(
      outdated(
        c,
        staticPodUses(c).map((use): Need => ({ use, value })),
      ),
    ),
    loads: [value],
  });
}
