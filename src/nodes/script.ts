import { type NodeAccess, NodeUnreachable, type RunOptions, type RunResult } from './access.ts';

const BEGUN = 'reroot-script\n';
const ENDED = '\nreroot-ended\n';
const quoted = (mark: string): string => mark.replaceAll('\n', '\\n');
const PRELUDE = `LC_ALL=C PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL PATH; umask 077; printf '${quoted(BEGUN)}'`;
const CLOSING = `code=$?; printf '${quoted(ENDED)}'; exit $code`;

/** A script began on the node, and its end was not heard of: it may have run to its end or not. */
export class AnswerCut extends NodeUnreachable {}

/**
 * Runs a POSIX shell script on a node; `$1`… are `args`, which others on the node can see: never a secret. It is said when the script begins and when
 * it has ended. Without the first mark whatever came back is from the transport, so it throws NodeUnreachable with the transport's words; without the
 * second AnswerCut, for half an answer must not be taken for a whole one (`kubectl exec` that is cut off ends with a code like any other).
 */
export async function runScript(
  access: NodeAccess,
  script: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  // A shell of its own within, so that `exit` and traps are the script's.
  const whole = `${PRELUDE}\n(\n${script}\n)\n${CLOSING}\n`;
  const result = await access.run(['sh', '-c', whole, 'reroot', ...args], options);
  const at = result.stdout.indexOf(BEGUN);
  const said = result.stderr.trim().split('\n').at(-1) || `the command ended with code ${result.code}`;
  if (at < 0) throw new NodeUnreachable(access.node, said);
  const end = result.stdout.length - ENDED.length;
  if (result.stdout.lastIndexOf(ENDED) !== end || end < at)
    throw new AnswerCut(access.node, `the answer was cut off: ${said}`);
  return { ...result, stdout: result.stdout.subarray(at + BEGUN.length, end) };
}
