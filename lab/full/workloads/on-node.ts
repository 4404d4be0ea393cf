// Commands on a full lab's nodes, the way that its user has: ssh.

import { failedSafe } from '../../../src/errors.ts';
import { sshAccess } from '../../../src/nodes/ssh.ts';

/** Gives standard output; throws with what the command said. Secrets go in by `stdin`. */
export type OnNode = (node: string, script: string, options?: { stdin?: string; timeout?: number }) => Promise<string>;

export function nodesOver(sshConfig: string): OnNode {
  const known = new Map<string, ReturnType<typeof sshAccess>>();
  return async (node, script, { stdin, timeout = 60_000 } = {}) => {
    const access = known.get(node) ?? sshAccess(node, node, { user: 'root', configFile: sshConfig });
    known.set(node, access);
    const { code, stdout, stderr } = await access.run(['sh', '-ec', script], {
      timeout,
      ...(stdin === undefined ? {} : { stdin }),
    });
    if (code !== 0)
      throw failedSafe(`${node}: ${script.trim().split('\n')[0]} ended with ${code}: ${stderr.trim().slice(-300)}`);
    return stdout.toString('utf8');
  };
}

/**
 * A file and its folder, taken up whole or not at all; nothing is touched when it is so already. Gives whether it was changed. On the way the content
 * has a name with a dot in front: a kubelet takes every other file in its folder of manifests for a pod (K:pkg/kubelet/config/file_linux.go).
 */
export async function writeOnNode(
  run: OnNode,
  node: string,
  path: string,
  content: string,
  mode = '600',
): Promise<boolean> {
  const script = `umask 077
folder=$(dirname '${path}')
mkdir -p "$folder"
new=$folder/.$(basename '${path}').new
cat > "$new"
if cmp -s "$new" '${path}'; then rm "$new"; else chmod ${mode} "$new"; mv "$new" '${path}'; echo changed; fi`;
  return (await run(node, script, { stdin: content })).includes('changed');
}
