// Ways to a "node" that is this machine, with the limits that tests need.

import type { NodeAccess } from '../../../src/nodes/access.ts';
import { execAccess } from '../../../src/nodes/exec.ts';

const isRoot = process.getuid?.() === 0;

/** As an ordinary user, for whom permission bits count: root reads and writes everything. */
export const unprivileged = (): NodeAccess =>
  execAccess(isRoot ? 'setpriv --reuid=65534 --regid=65534 --clear-groups' : 'env', 'n1', 'h1');

export const UNPRIVILEGED_IDS = isRoot
  ? { uid: 65534, gid: 65534 }
  : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** With a shell command run before each command of the node: `ulimit -f 4`. */
export const prepared = (shell: string): NodeAccess => execAccess(`sh -c '${shell}; exec "$@"' sh`, 'n1', 'h1');

/** Any access, with the commands that go through it written down. */
export function recording(access: NodeAccess): NodeAccess & { argvs: string[][] } {
  const argvs: string[][] = [];
  return {
    node: access.node,
    argvs,
    run(argv, options) {
      argvs.push([...argv]);
      return access.run(argv, options);
    },
  };
}
