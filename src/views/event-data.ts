// Reads the loose `data` of an event without trusting its shape: a view must print what it can and never throw.

import type { RotationEvent } from '../rotate/events.ts';

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;

export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Names out of a list of texts, or of values with `of`, `party`, `store` or `id`. A single text is a list of one. */
export function nameList(value: unknown): string[] {
  const items = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return items.flatMap((item) => {
    if (typeof item === 'string') return [item];
    if (typeof item !== 'object' || item === null) return [];
    const named = item as Record<string, unknown>;
    const name = textOf(named.of) ?? textOf(named.party) ?? textOf(named.store) ?? textOf(named.id);
    return name === undefined ? nameList(named.of) : [name];
  });
}

export const stateOf = (event: RotationEvent): string | undefined => textOf(event.data?.state);

/** The ways on of a blocked event, or the hints of a failed one. */
export const hintsOf = (event: RotationEvent): string[] =>
  [event.data?.ways, event.data?.hints].flatMap((list) =>
    Array.isArray(list) ? list.filter((way): way is string => typeof way === 'string') : [],
  );
