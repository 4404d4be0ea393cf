// `-o json`: one event a line. The names and their order are part of the command line's contract.

import type { RotationEvent } from '../rotate/events.ts';
import { withoutKeys } from './redact.ts';

const ORDER = ['time', 'rotation', 'type', 'step', 'party', 'channel', 'authority', 'move', 'message', 'data'] as const;

/** The event as one line of JSON without a newline; fields that do not apply are absent. */
export function jsonLine(event: RotationEvent): string {
  const ordered: Record<string, unknown> = {};
  for (const name of ORDER) {
    if (event[name] !== undefined) ordered[name] = event[name];
  }
  return withoutKeys(JSON.stringify(ordered));
}
