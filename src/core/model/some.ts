// Lists in words that stay short, however long the list is. Pure.

/** What stands between two items, and before the count of those that are not named. */
const BETWEEN = {
  comma: [', ', ' and '],
  semicolon: ['; ', '; and '],
  line: ['\n  ', '\n  and '],
} as const;

/** The first few, and how many more there are: `a, b and 4,998 more`. One more than `most` is named, for a count would take as much room. */
export function some(items: readonly string[], most = 3, between: keyof typeof BETWEEN = 'comma'): string {
  const [then, last] = BETWEEN[between];
  if (items.length <= most + 1) return items.join(then);
  return `${items.slice(0, most).join(then)}${last}${(items.length - most).toLocaleString('en')} more`;
}

/** Beneath a message, each on a line of its own; nothing for none. */
export const someLines = (items: readonly string[], most = 8): string =>
  items.length === 0 ? '' : `\n  ${some(items, most, 'line')}`;
