// Which processes of a full lab's components begin while somebody watches: what the supervisor of the process lab writes down by itself. Only looked at
// from outside, once a second on each node, so it counts what reroot did and whatever else restarts them.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { failedSafe } from '../../src/errors.ts';
import type { SupervisorEvent } from './tally.ts';

export interface StartsWatch {
  /** Every start that was seen since the first look, in order. Throws when a node was not watched to the end. */
  stop(): SupervisorEvent[];
}

/** Names of processes are cut at 15 bytes (proc(5), comm). */
const COMPONENTS: Readonly<Record<string, string>> = {
  etcd: 'etcd',
  'kube-apiserver': 'kube-apiserver',
  'kube-controller': 'kube-controller-manager',
  'kube-scheduler': 'kube-scheduler',
  kubelet: 'kubelet',
};

/**
 * A kubelet that starts a command has a child of its own name for the moment between fork and exec: that is no start of a kubelet.
 * Builtins of the shell alone: five `pgrep` a second on each node took a fifth of a machine with two processors.
 */
const LOOK = `while :; do
  for at in /proc/[0-9]*; do
    read -r name < "$at/comm" || continue
    case "$name" in ${Object.keys(COMPONENTS).join('|')}) ;; *) continue ;; esac
    read -r line < "$at/stat" || continue
    set -- \${line##*) }
    read -r parent < "/proc/$2/comm" && [ "$parent" = "$name" ] && continue
    shift 19
    echo "$name \${at##*/} $1"
  done 2>/dev/null
  echo looked
  sleep 1
done`;

/** Resolves once every node was looked at. */
export async function watchStarts(sshConfig: string, nodes: readonly string[]): Promise<StartsWatch> {
  const events: SupervisorEvent[] = [];
  const children: ChildProcess[] = [];
  const lost: string[] = [];
  let ending = false;
  const first = nodes.map((node) => {
    const child = spawn('ssh', ['-F', sshConfig, '-o', 'BatchMode=yes', node, LOOK], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    const known = new Set<string>();
    let looks = 0;
    return new Promise<void>((resolve, reject) => {
      child.on('close', () => {
        if (!ending) lost.push(node);
        reject(failedSafe(`the processes of ${node} could not be watched`));
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'looked') {
          looks += 1;
          resolve();
          return;
        }
        const component = COMPONENTS[line.split(' ')[0] ?? ''];
        if (component === undefined || known.has(line)) return;
        known.add(line);
        if (looks > 0) events.push({ t: Date.now(), ev: 'start', node, component });
      });
    });
  });
  const stop = (): SupervisorEvent[] => {
    ending = true;
    for (const child of children) child.kill();
    if (lost.length > 0) throw failedSafe(`the processes of ${lost.join(', ')} were not watched to the end`);
    return events;
  };
  try {
    await Promise.all(first);
  } catch (thrown) {
    ending = true;
    for (const child of children) child.kill();
    throw thrown;
  }
  // Nobody is kept from ending by a watch: the loop on a node ends with the pipe that it writes to.
  for (const child of children) {
    child.unref();
    (child.stdout as Socket | null)?.unref();
  }
  return { stop };
}
