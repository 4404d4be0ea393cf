// The client kinds by name: what `--clients` takes and the summary counts by.

import { wrongUse } from '../../src/errors.ts';

export const CLIENT_KINDS = [
  'kept',
  'fresh',
  'reread',
  'pod-reread',
  'pod-frozen',
  'pod-kept',
  'write',
  'watch',
  'aggregated',
  'webhook',
  'kubelet',
] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

/** Reads `a,b`. The watch tells what it missed of the writes, so it cannot be without them. */
export function clientKinds(list: string): ClientKind[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))];
  const kinds = CLIENT_KINDS.filter((kind) => names.includes(kind));
  const unknown = names.filter((name) => !kinds.some((kind) => kind === name));
  if (unknown.length > 0)
    throw wrongUse(
      `no client kind ${unknown.map((name) => `"${name}"`).join(', ')}`,
      `there are ${CLIENT_KINDS.join(', ')}`,
    );
  if (kinds.includes('watch') && !kinds.includes('write')) {
    throw wrongUse(
      'client kind "watch" needs "write": it watches what that one writes',
      `--clients ${[...kinds, 'write'].join(',')}`,
    );
  }
  return kinds;
}
