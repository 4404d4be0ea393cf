// Processes that reroot does not know and that name files with CA material: somebody must say what they do with them.

import type { Instance } from '../core/model/inventory.ts';
import type { ProcessSeen } from '../nodes/processes.ts';
import { namesPathBelow } from './argv.ts';
import type { RawStore } from './material.ts';
import { inOrdinaryPod } from './processes.ts';
import type { StrangeProcess } from './seen.ts';

/** People's tools and wrappers: they name files and do not live on them. */
const TOOLS = new Set(
  'bash busybox cat cp dash find grep kubeadm kubectl less ls more mv nano openssl rsync scp sed sh ssh sshd su sudo tail tee unshare vi vim watch xargs zsh'.split(
    ' ',
  ),
);
/** A program that runs for less is a command under way. */
const SETTLED = 60_000;

export function strangersIn(
  node: string,
  table: readonly ProcessSeen[],
  known: { instances: readonly Instance[]; stores: readonly RawStore[] },
): StrangeProcess[] {
  const root = table.find((process) => process.pid === 1)?.cgroup ?? '';
  const components = new Set(known.instances.map(({ pid }) => pid));
  const paths = [...new Set(known.stores.flatMap(({ path, keyPath }) => [path, keyPath]))].filter(
    (path) => path !== undefined,
  );
  const latest = Math.max(0, ...table.map(({ startedAt }) => startedAt));
  return table.flatMap((process): StrangeProcess[] => {
    const name = process.argv[0]?.split('/').at(-1)?.replace(/^-/, '') ?? '';
    const passing = latest - process.startedAt < SETTLED;
    if (components.has(process.pid) || TOOLS.has(name) || passing || inOrdinaryPod(process.cgroup, root)) return [];
    const named = paths.filter((path) => namesPathBelow(process.argv.slice(1), [path]));
    return named.length > 0 ? [{ node, pid: process.pid, name, paths: named }] : [];
  });
}
