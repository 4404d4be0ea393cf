import { wrongUse } from '../errors.ts';
import type { NodeAccess } from './access.ts';
import { overTransport } from './local.ts';

/**
 * Reaches a node by a command of the user's: `docker exec -i {node}`, `./node-exec {node}`. The template is split into words once, as a shell
 * would without expanding anything; `{node}` and `{host}` are put into the words; the node's command follows as arguments of its own. The
 * program must pass them on one by one (ssh does not: it joins them, so `access: ssh` is for that).
 */
export function execAccess(template: string, node: string, host: string): NodeAccess {
  const words = splitWords(template).map((word) => word.replaceAll('{node}', node).replaceAll('{host}', host));
  return { node, run: (argv, options) => overTransport(node, [...words, ...argv], options) };
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
