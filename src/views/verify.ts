// What `reroot verify` prints for people: a line a channel, the failed ones first, and the count.

import type { Colours } from './colours.ts';
import { columns, plural } from './text.ts';

export interface CheckLine {
  kind: string;
  channel: string;
  /** undefined: not measured, or told without being judged. */
  ok: boolean | undefined;
  message: string;
}

const WORDS = { failed: 'FAILED', open: 'open', ok: 'ok' } as const;
type State = keyof typeof WORDS;

const stateOf = ({ ok }: CheckLine): State => (ok === undefined ? 'open' : ok ? 'ok' : 'failed');
const ORDER: Record<State, number> = { failed: 0, open: 1, ok: 2 };

export function verifyLines(checks: readonly CheckLine[], colours: Colours): string[] {
  const sorted = [...checks].sort((a, b) => ORDER[stateOf(a)] - ORDER[stateOf(b)]);
  const paint = { failed: colours.red, open: colours.yellow, ok: colours.green };
  const rows = columns(sorted.map((one) => [WORDS[stateOf(one)], one.kind, `${one.channel}: ${one.message}`]));
  const lines = rows.map((row, i) => {
    const state = stateOf(sorted[i] as CheckLine);
    return paint[state](row.slice(0, WORDS[state].length)) + row.slice(WORDS[state].length);
  });
  return [...lines, '', summaryOf(checks)];
}

export function summaryOf(checks: readonly CheckLine[]): string {
  const count = (state: State): number => checks.filter((one) => stateOf(one) === state).length;
  return `${plural(checks.length, 'check')}: ${count('ok')} ok, ${count('failed')} failed, ${count('open')} open (not measured, or not judged)`;
}
