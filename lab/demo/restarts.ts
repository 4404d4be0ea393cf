// Restarts since a moment, on either kind of lab.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLab } from '../state.ts';
import { lookAtPods, podRestarts } from './pods.ts';
import { watchStarts } from './starts.ts';
import { restartsSince, type SupervisorEvent } from './tally.ts';

const COMPONENTS = ['kube-apiserver', 'etcd', 'kube-scheduler', 'kube-controller-manager', 'kubelet'];

/**
 * Begins to count; what it gives ends that and tells the most that any instance of each component was restarted, and on a full lab how
 * many pods were. On a full lab `nodes` are those whose components count, all of them unless told.
 */
export async function countRestarts(
  kind: 'processes' | 'full',
  dir: string,
  nodes: readonly string[] = (readLab(dir)?.nodes ?? []).map(({ name }) => name),
): Promise<() => Promise<Record<string, number>>> {
  const since = Date.now();
  if (kind === 'processes') return async () => restartsSince(readLog(join(dir, 'events.jsonl')), since, COMPONENTS);
  const kubeconfig = join(dir, 'kubeconfig');
  const watch = await watchStarts(join(dir, 'ssh_config'), nodes);
  const before = await lookAtPods(kubeconfig);
  return async () => ({
    ...restartsSince(watch.stop(), since, COMPONENTS),
    pods: podRestarts(before, await lookAtPods(kubeconfig)),
  });
}

function readLog(file: string): SupervisorEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SupervisorEvent);
}
