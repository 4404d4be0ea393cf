// What comes out when the content of one store or use gets into another: how a use reads a file of another kind, and what a flow makes.

import { BELIEFS, type Belief, bitOf, tableOf, valuesOf } from './belief.ts';
import type { Flow } from './topology.ts';
import type { Holds, Signer, Trust, Value } from './value.ts';

/**
 * A file of trust anchors read as a signing certificate whose key file is the old one: the controller manager wants exactly one
 * certificate (pkg/controller/certificates/signer/ca_provider.go: "expected 1 certificate"), and one that fits the key.
 */
const asSigner: Record<Trust, Signer> = { old: 'old', both: 'bundle', new: 'mismatched', none: 'absent' };

/** The value a use or store of kind `to` takes from one of kind `from`; undefined when it takes nothing. */
function copied(from: Holds, to: Holds, value: Value): Value | undefined {
  if (from === to) return value;
  if (from === 'trust' && to === 'signer') return asSigner[value as Trust];
  // Whoever copies the certificate of a signing pair gets its generation as the only anchor (kubeadm, into kubeconfigs).
  if (from === 'signer' && to === 'trust' && (value === 'old' || value === 'new')) return value;
  return undefined;
}

/** The controller manager's signer answers with the leaf only (pkg/controller/certificates/signer/signer.go): no bridge. */
const signed = (value: Value): Value | undefined => (value === 'old' || value === 'new' ? value : undefined);

const tables = new Map<string, Uint8Array>();

/** Entry b of the table is what a source with belief b may bring to the target. For `union` it is what is added to the target's own. */
export function bringTable(how: Flow['how'], from: Holds, to: Holds): Uint8Array {
  const key = `${how} ${from} ${to}`;
  let table = tables.get(key);
  if (!table) {
    table = tableOf(from, to, how === 'signs' ? signed : (value) => copied(from, to, value));
    tables.set(key, table);
  }
  return table;
}

const anchors: Record<Trust, number> = { none: 0, old: 1, new: 2, both: 3 };
const byAnchors: readonly Trust[] = ['none', 'old', 'new', 'both'];

const union = (a: Value, b: Value): Trust => byAnchors[anchors[a as Trust] | anchors[b as Trust]] ?? 'none';

/** Entry `own * BELIEFS + more`: what a trust store with belief `own` may hold after the anchors of `more` were added and none dropped. */
export const unionTable: Uint8Array = new Uint8Array(BELIEFS * BELIEFS);
for (let own = 0; own < 16; own++) {
  for (let more = 1; more < 16; more++) {
    let sum: Belief = 0;
    const holders = own === 0 ? (['none'] as const) : valuesOf('trust', own);
    for (const a of holders) for (const b of valuesOf('trust', more)) sum |= bitOf('trust', union(a, b));
    unionTable[own * BELIEFS + more] = sum;
  }
}
