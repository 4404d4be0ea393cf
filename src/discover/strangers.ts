// Processes that reroot does not know and that name files with CA material: somebody must say what they do with them.

import type { Instance, Stranger } from '../core/model/inventory.ts';
import type { ProcessSeen } from '../nodes/processes.ts';
import { namesPathBelow } from './argv.ts';
import type { RawStore } from './material.ts';
import { inOrdinaryPod, inStaticPod } from './processes.ts';

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
): Stranger[] {
  const root = table.find((process) => process.pid === 1)?.cgroup ?? '';
  const components = new Set(known.instances.map(({ pid }) => pid));
  const latest = Math.max(0, ...table.map(({ startedAt }) => startedAt));
  return table.flatMap((process): Stranger[] => {
    const { argv, cgroup, pid, startedAt } = process;
    const name = argv[0]?.split('/').at(-1)?.replace(/^-/, '') ?? '';
    const passing = latest - startedAt < SETTLED;
    if (components.has(pid) || TOOLS.has(name) || passing || inOrdinaryPod(cgroup, root)) return [];
    // A static pod that mounts a kubeconfig of its node is known by its mounts (trap 14).
    const ofPod = inStaticPod(cgroup, root);
    const named = known.stores.flatMap((store) => {
      if (ofPod && store.kind.startsWith('kubeconfig-')) return [];
      const paths = [store.path, store.keyPath].filter(
        (path) => path !== undefined && namesPathBelow(argv.slice(1), [path]),
      ) as string[];
      return paths.length > 0 ? [{ id: store.id, paths }] : [];
    });
    if (named.length === 0) return [];
    const paths = [...new Set(named.flatMap((one) => one.paths))];
    return [{ id: `${node}/${name}`, node, name, pid, startedAt, paths, stores: named.map(({ id }) => id) }];
  });
}
