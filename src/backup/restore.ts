// A restore as two halves: what would change, and the change. Nothing is written by the first.

import type { Cluster } from '../cluster/client.ts';
import type { NodeName } from '../core/model/ids.ts';
import { EXIT, RerootError, reasonOf } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import type { ArchivedObject } from './archive.ts';
import { compareFiles, type FileChange, type RestoreItem, restoreFile } from './restore-files.ts';
import { compareObject, type ObjectChange, restoreObject } from './restore-objects.ts';

export interface RestorePlan {
  /** Files that differ, by node and path. */
  files: FileChange[];
  objects: ObjectChange[];
  /** Files that are already as in the backup. */
  same: number;
  /** What cannot be restored, and why, in words. */
  left: { what: string; why: string }[];
  /** What is to be known before it is carried out, in words. */
  notes: string[];
}

type AccessOf = (node: NodeName) => NodeAccess;

/** Holds everything against what is there now. A node that is away is told in `left`. */
export async function planRestore(
  items: readonly RestoreItem[],
  objects: readonly ArchivedObject[],
  world: { accessOf: AccessOf; cluster?: Pick<Cluster, 'get'> },
): Promise<RestorePlan> {
  const plan: RestorePlan = { files: [], objects: [], same: 0, left: [], notes: [] };
  for (const [node, own] of byNode(items)) {
    try {
      for (const change of await compareFiles(world.accessOf(node), own)) noteFile(plan, change);
    } catch (thrown) {
      plan.left.push({ what: `node/${node}`, why: reasonOf(thrown) });
    }
  }
  for (const object of objects) {
    if (!world.cluster) break;
    const change = await compareObject(world.cluster, object);
    plan.left.push(...change.left);
    if (change.patch.length > 0) plan.objects.push(change);
    else if (change.left.length === 0) plan.same += 1;
  }
  if (!world.cluster && objects.length > 0) {
    plan.left.push({
      what: `${objects.length} objects`,
      why: 'the API server does not answer; restore the files, then run this again',
    });
  }
  return plan;
}

function noteFile(plan: RestorePlan, change: FileChange): void {
  if (change.fault !== undefined)
    plan.left.push({ what: `file/${change.item.node}:${change.item.path}`, why: change.fault });
  else if (change.differs.length > 0) plan.files.push(change);
  else plan.same += 1;
}

function byNode(items: readonly RestoreItem[]): Map<NodeName, RestoreItem[]> {
  const nodes = new Map<NodeName, RestoreItem[]>();
  for (const item of items) nodes.set(item.node, [...(nodes.get(item.node) ?? []), item]);
  return nodes;
}

/**
 * Writes what the plan says, files first, one after the other. Stops at the first failure, and before the next write when it is interrupted, and says how
 * far it came; run again it goes on from there.
 */
export async function carryOut(
  plan: RestorePlan,
  world: { accessOf: AccessOf; cluster?: Pick<Cluster, 'patch'>; signal?: AbortSignal },
  restored: (what: string) => void,
): Promise<void> {
  const all = plan.files.length + plan.objects.length;
  let done = 0;
  const goOn = (): void => {
    if (world.signal?.aborted) throw interrupted(done, all);
  };
  try {
    for (const change of plan.files) {
      goOn();
      await restoreFile(world.accessOf(change.item.node), change);
      done += 1;
      restored(`file/${change.item.node}:${change.item.path}`);
    }
    for (const change of plan.objects) {
      if (!world.cluster) break;
      goOn();
      await restoreObject(world.cluster, change);
      done += 1;
      restored(change.object);
    }
  } catch (thrown) {
    if (thrown instanceof RerootError && thrown.exitCode === EXIT.interrupted) throw thrown;
    throw new RerootError(EXIT.failedSafe, `${done} of ${all} were restored, then: ${reasonOf(thrown)}`, {
      hints: [...(thrown instanceof RerootError ? thrown.hints : []), GO_ON],
      cause: thrown,
    });
  }
}

const GO_ON = 'what was restored stays; the same command again goes on with the rest';

const interrupted = (done: number, all: number): RerootError =>
  new RerootError(EXIT.interrupted, `interrupted: ${done} of ${all} were restored`, { hints: [GO_ON] });
