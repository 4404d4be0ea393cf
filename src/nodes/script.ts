import { type NodeAccess, NodeUnreachable, type RunOptions, type RunResult } from './access.ts';

const MARK = 'reroot-script\n';
const PRELUDE = `LC_ALL=C PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL PATH; umask 077; printf '${MARK.replace('\n', '\\n')}'
`;

/**
 * Runs a POSIX shell script on a node; `$1`… are `args`, which others on the node can see: never a secret. The script says first that it runs.
 * Without that mark whatever came back is from the transport, so it throws NodeUnreachable with the transport's words.
 */
export async function runScript(
  access: NodeAccess,
  script: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  const result = await access.run(['sh', '-c', PRELUDE + script, 'reroot', ...args], options);
  const at = result.stdout.indexOf(MARK);
  if (at < 0) {
    const said = result.stderr.trim().split('\n').at(-1) || `the command ended with code ${result.code}`;
    throw new NodeUnreachable(access.node, said);
  }
  return { ...result, stdout: result.stdout.subarray(at + MARK.length) };
}
