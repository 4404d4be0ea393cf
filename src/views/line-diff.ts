// A unified diff of two texts by lines, for people. Pure.

type Edit = { sign: ' ' | '-' | '+'; text: string };

/** Beyond this many line pairs the table of common lines is not worth its memory: the texts are shown as replaced. */
const MOST_PAIRS = 4_000_000;

/** Changed lines with `context` lines around them; `…` where equal lines are left out. Empty for equal texts. */
export function lineDiff(before: string, after: string, context = 2): string[] {
  if (before === after) return [];
  const edits = editsOf(linesOf(before), linesOf(after));
  const near = edits.map((_, index) =>
    edits.slice(Math.max(0, index - context), index + context + 1).some((edit) => edit.sign !== ' '),
  );
  const lines: string[] = [];
  edits.forEach((edit, index) => {
    if (near[index]) lines.push(`${edit.sign} ${edit.text}`.trimEnd());
    else if (index === 0 || near[index - 1]) lines.push('…');
  });
  return lines;
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** Equal heads and tails are taken off first: most edits of a file are one line. */
function editsOf(before: readonly string[], after: readonly string[]): Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const room = Math.min(before.length, after.length) - head;
  while (tail < room && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const same = (lines: readonly string[]): Edit[] => lines.map((text) => ({ sign: ' ', text }));
  return [
    ...same(before.slice(0, head)),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

function middle(before: readonly string[], after: readonly string[]): Edit[] {
  const removed = before.map((text): Edit => ({ sign: '-', text }));
  const added = after.map((text): Edit => ({ sign: '+', text }));
  if (before.length * after.length > MOST_PAIRS || removed.length === 0 || added.length === 0)
    return [...removed, ...added];
  return walk(before, after, commonLengths(before, after));
}

/** `table[i][j]`: length of the longest common subsequence of the rests from i and j. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array[] {
  const table = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    const row = table[i] as Uint32Array;
    const below = table[i + 1] as Uint32Array;
    for (let j = after.length - 1; j >= 0; j -= 1) {
      row[j] = before[i] === after[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return table;
}

function walk(before: readonly string[], after: readonly string[], table: readonly Uint32Array[]): Edit[] {
  const edits: Edit[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push({ sign: ' ', text: before[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && (table[i + 1]?.[j] ?? 0) >= (table[i]?.[j + 1] ?? 0))) {
      edits.push({ sign: '-', text: before[i] ?? '' });
      i += 1;
    } else {
      edits.push({ sign: '+', text: after[j] ?? '' });
      j += 1;
    }
  }
  return edits;
}
