// Where a command's events go: a board that redraws, plain lines, or JSON. The command knows none of them.

import type { RotationEvent } from '../rotate/events.ts';
import { boardEmitter } from './board.ts';
import { coloursFor, type Output } from './colours.ts';
import { nameList } from './event-data.ts';
import { jsonLine } from './json.ts';
import { plainLine } from './plain.ts';

export type OutputKind = 'board' | 'plain' | 'json';

export interface Emitter {
  emit(event: RotationEvent): void;
  /** Ends the drawing and leaves the cursor on a line of its own. To be called once, also after a failure. */
  close(): void;
}

/** The board needs a terminal; elsewhere `board` gives plain lines, so that a log is readable. */
export function emitterFor(kind: OutputKind, output: Output): Emitter {
  switch (kind) {
    case 'json':
      return { emit: (event) => void output.write(`${jsonLine(event)}\n`), close: () => {} };
    case 'plain':
      return plainEmitter(output);
    case 'board':
      return output.isTTY === true && process.env.TERM !== 'dumb' ? boardEmitter(output) : plainEmitter(output);
  }
}

/** Milliseconds between two lines about the same wait. JSON and the board show each. */
const SAME_WAIT = 10_000;

function plainEmitter(output: Output): Emitter {
  const colours = coloursFor(output);
  let lastWait = { key: '', at: 0 };
  return {
    emit(event) {
      if (event.type === 'wait') {
        const key = `${event.step ?? ''} ${nameList(event.data?.missing).join(' ') || event.party || ''}`;
        const at = Date.parse(event.time);
        if (key === lastWait.key && at - lastWait.at < SAME_WAIT) return;
        lastWait = { key, at };
      }
      output.write(`${plainLine(event, colours)}\n`);
    },
    close() {},
  };
}
