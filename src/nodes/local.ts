import { type NodeAccess, NodeUnreachable, type RunOptions, type RunResult } from './access.ts';
import { NotRun, runHere } from './run-here.ts';

/** The node is this machine: reroot runs on the (only) control-plane node. */
export function localAccess(node: string, options: { sudo?: boolean } = {}): NodeAccess {
  return {
    node,
    run: (argv, runOptions) => overTransport(node, options.sudo ? ['sudo', '-n', '--', ...argv] : argv, runOptions),
  };
}

/** Runs a transport's command on this machine; what keeps it from running or from ending in time is the node's being away. */
export async function overTransport(node: string, argv: readonly string[], options?: RunOptions): Promise<RunResult> {
  try {
    const result = await runHere(argv, options);
    const why = sudoRefusal(result);
    if (why) throw new NodeUnreachable(node, why);
    return result;
  } catch (thrown) {
    throw away(node, thrown);
  }
}

/** What kept a transport's command from running or from ending, as the node's being away; anything else as it is. */
export const away = (node: string, thrown: unknown): unknown =>
  thrown instanceof NotRun ? new NodeUnreachable(node, thrown.message, { cause: thrown }) : thrown;

/** sudo's own refusals, which are about the access and not about the command (sudo.c, check.c messages in the C locale). */
export function sudoRefusal(result: Pick<RunResult, 'code' | 'stderr'>): string | undefined {
  if (result.code !== 1 || !/^sudo: /m.test(result.stderr)) return undefined;
  if (/password is required|terminal is required|must have a tty|authentication/i.test(result.stderr))
    return 'sudo asks for a password or a terminal: allow this user to run commands with NOPASSWD, or log in as root';
  if (/not in the sudoers|not allowed to/i.test(result.stderr)) return 'sudo does not allow this user to run commands';
  return undefined;
}
