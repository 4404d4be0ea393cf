// The client kinds by name: what `--clients` takes and the summary counts by.

import { wrongUse } from '../../src/errors.ts';

/** Clients that run here, beside the lab. */
const OUTSIDE_KINDS = ['kept', 'fresh', 'reread', 'write', 'watch', 'aggregated', 'webhook'] as const;
/** Clients in pods: played here on the process lab, real on the full lab. */
const INSIDE_KINDS = ['pod-reread', 'pod-frozen', 'pod-kept', 'kubelet'] as const;
/** Clients that only real pods and kubelets can be. */
const FULL_KINDS = ['pod-subpath', 'static-pod', 'service', 'kubelet-stream'] as const;

export type OutsideKind = (typeof OUTSIDE_KINDS)[number];
export type InsideKind = (typeof INSIDE_KINDS)[number];
export type FullKind = InsideKind | (typeof FULL_KINDS)[number];
export type ClientKind = OutsideKind | FullKind;

export const kindsOf = (lab: 'processes' | 'full'): readonly ClientKind[] =>
  lab === 'full' ? [...OUTSIDE_KINDS, ...INSIDE_KINDS, ...FULL_KINDS] : [...OUTSIDE_KINDS, ...INSIDE_KINDS];

export const isOutside = (kind: ClientKind): kind is OutsideKind => OUTSIDE_KINDS.some((one) => one === kind);

/** Reads `a,b`; without a list all that the lab can have. The watch tells what it missed of the writes, so it cannot be without them. */
export function clientKinds(lab: 'processes' | 'full', list?: string): ClientKind[] {
  const known = kindsOf(lab);
  if (list === undefined) return [...known];
  const names = [...new Set(list.split(',').map((name) => name.trim()))];
  const kinds = known.filter((kind) => names.includes(kind));
  const unknown = names.filter((name) => !kinds.some((kind) => kind === name));
  if (unknown.length > 0)
    throw wrongUse(
      `no client kind ${unknown.map((name) => `"${name}"`).join(', ')}`,
      `this lab has ${known.join(', ')}`,
    );
  if (kinds.includes('watch') && !kinds.includes('write')) {
    throw wrongUse(
      'client kind "watch" needs "write": it watches what that one writes',
      `--clients ${[...kinds, 'write'].join(',')}`,
    );
  }
  return kinds;
}
