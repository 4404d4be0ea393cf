// What a pod holds that was not restarted since before the rotation began: on the way back, old, once that cannot change any more.

import { isTakenUp, startedBefore } from '../core/catalog/untouched.ts';
import type { Millis } from '../core/model/inventory.ts';
import type { Proof } from '../core/model/step.ts';
import type { Value } from '../core/model/value.ts';
import { listProcesses } from '../nodes/processes.ts';
import { clock } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import type { PodNow } from './pods-now.ts';
import { nowAt, seconds } from './times.ts';

export interface FileNow {
  value: Value | undefined;
  /** By the node's clock. */
  changedAt: Millis;
}

/**
 * A client in it holds old from its start, or what the file held when it read it again. Its file must hold one of `keep` for longer
 * than any re-read takes: then who re-reads holds that, who does not holds old, and both are asked for. The containers' starts are the
 * API's word, which trails by seconds; that is long over by then. Processes that a container started later are looked for on the node.
 */
export async function untouched(
  proof: Proof,
  ctx: LookContext,
  { pod, uid }: PodNow,
  file: FileNow,
  evidence: string,
): Promise<Look> {
  if (!startedBefore(ctx.rotation, pod)) {
    return { value: undefined, evidence: `${evidence}; something in the pod started since the rotation began` };
  }
  if (!proof.keep.includes('old') || file.value === undefined || !proof.keep.includes(file.value)) {
    return { value: undefined, evidence: `${evidence}, and it holds old from its start or what it read since` };
  }
  const now = nowAt(ctx, pod.node);
  const age = now - file.changedAt;
  if (!isTakenUp({ changedAt: file.changedAt, now })) {
    return {
      value: undefined,
      evidence: `${evidence} for ${seconds(age)}; who re-reads it may hold what was there before`,
    };
  }
  const late = await startedLater(ctx, pod.node, uid);
  if (late !== undefined) {
    return { value: undefined, evidence: `${evidence}; process ${late} of the pod started since the rotation began` };
  }
  const start = clock(pod.lastStartedAt ?? 0);
  return {
    value: 'old',
    evidence: `${evidence} for ${seconds(age)}, and nothing in the pod started since ${start}, before the rotation began`,
  };
}

/** The id of a process in the pod's cgroup that is younger than the rotation. In a lab without containers there are none to be seen. */
async function startedLater(ctx: LookContext, node: string, uid: string): Promise<number | undefined> {
  const begunAt = ctx.rotation.begunAt?.[node] ?? 0;
  // The systemd driver writes the id with underscores (K:pkg/kubelet/cm/cgroup_manager_linux.go).
  const names = [uid, uid.replaceAll('-', '_')];
  const table = await listProcesses(ctx.accessOf(node));
  const inPod = table.filter(({ cgroup }) => names.some((name) => cgroup.includes(`pod${name}`)));
  return inPod.find(({ startedAt }) => startedAt >= begunAt)?.pid;
}
