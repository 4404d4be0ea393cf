import { wrongUse } from '../errors.ts';
import type { NodeAccess } from './access.ts';
import { overTransport } from './local.ts';
import { PipeFailed, pipeThrough } from './pipe.ts';

/**
 * Reaches a node by a command of the user's: `docker exec -i {node}`, `./node-exec {node}`. The template is split into words once, as a shell
 * would without expanding anything; `{node}` and `{host}` are put into the words; the node's command follows as arguments of its own. The
 * program must pass them on one by one (ssh does not: it joins them, so `access: ssh` is for that).
 */
export function execAccess(template: string, node: string, host: string): NodeAccess {
  const words = splitWords(template).map((word) => word.replaceAll('{node}', node).replaceAll('{host}', host));
  return {
    node,
    run: (argv, options) => overTransport(node, [...words, ...argv], options),
    dial: (to, port, options) =>
      Promise.resolve(
        pipeThrough(
          [...words, 'sh', '-c', CONNECT, 'reroot', to, String(port)],
          (stderr) => notConnected(node, to, port, stderr),
          options?.signal,
        ),
      ),
  };
}

// socat is on every node that has Kubernetes' own packages (port-forward needed it), bash nearly everywhere; busybox has nc.
const CONNECT = `
LC_ALL=C PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL PATH
h=$1 p=$2
if command -v socat >/dev/null; then
  case $h in *:*) exec socat - "TCP6:[$h]:$p,connect-timeout=10";; *) exec socat - "TCP:$h:$p,connect-timeout=10";; esac
elif command -v bash >/dev/null; then
  exec bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1; cat <&3 & cat >&3; wait' "$h" "$p"
elif command -v nc >/dev/null; then exec nc "$h" "$p"
fi
echo 'neither socat, bash nor nc is there to connect with' >&2
exit 127
`;

function notConnected(node: string, host: string, port: number, stderr: string): PipeFailed {
  const said = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  const code = /refused/i.test(stderr) ? 'ECONNREFUSED' : 'EHOSTUNREACH';
  return new PipeFailed(code, `no connection from ${node} to ${host}:${port}${said ? `: ${said}` : ''}`);
}

/** Splits like a POSIX shell: blanks separate, quotes and backslashes keep together. No expansion of any kind. */
export function splitWords(template: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let i = 0; i < template.length; i++) {
    const c = template.charAt(i);
    const next = template.charAt(i + 1);
    if (quote === undefined && /\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === undefined && (c === '"' || c === "'")) {
      quote = c;
      word ??= '';
    } else if (c === quote) {
      quote = undefined;
    } else if (c === '\\' && quote !== "'" && (quote === undefined || next === '"' || next === '\\')) {
      if (next === '') throw wrongUse(`the command template ends in a backslash: ${template}`);
      word = (word ?? '') + next;
      i++;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote) throw wrongUse(`the command template has an unclosed ${quote}: ${template}`);
  if (word !== undefined) words.push(word);
  if (words.length === 0)
    throw wrongUse('the command template is empty', "give a command, such as --node-exec 'docker exec -i {node}'");
  return words;
}
