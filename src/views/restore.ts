// What a restore would change, for people.

import { type ChangeView, changeLines } from './changes.ts';
import { type Colours, plainColours } from './colours.ts';
import { plural } from './text.ts';

export interface RestoreView {
  changes: readonly ChangeView[];
  same: number;
  left: readonly { what: string; why: string }[];
  notes: readonly string[];
}

/** Text that ends in a newline. */
export function restoreText(view: RestoreView, colours: Colours = plainColours): string {
  const lines = [
    ...view.changes.flatMap((change) => [...changeLines(change, colours), '']),
    `${view.changes.length} to restore, ${view.same} as in the backup already.`,
    ...(view.left.length > 0
      ? [
          colours.yellow(`${plural(view.left.length, 'thing')} cannot be restored:`),
          ...view.left.map(({ what, why }) => `  ${what}: ${why}`),
        ]
      : []),
    ...view.notes.map((note) => colours.yellow(`note: ${note}`)),
  ];
  return `${lines.join('\n')}\n`;
}
