// kubeadm must not find a CA key while a rotation is open: it would write one certificate without a bridge over what is served, and
// the first CA of a bundle into kubeconfigs (trap 24).

import { kubeadmKeys } from '../catalog/flows.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Proof } from '../model/step.ts';
import type { Value } from '../model/value.ts';
import { type Course, endsOf } from './course.ts';
import { place } from './place.ts';

/** Takes the keys out of kubeadm's sight, of each authority that has one there. */
export function freeze(c: Course): void {
  for (const a of c.rotation.authorities) {
    // Away, or of the generation that stays in charge: nothing to take out of sight.
    const here = endsOf(c).gone;
    const keys = keysOf(c, a, (value) => value === here);
    if (keys.length === 0) continue;
    const proofs = untouched(c, a);
    place(c, {
      id: `${c.move}.${a.authority}.freeze`,
      authority: a.authority,
      title: 'keep the CA key where kubeadm does not find it while the rotation is open',
      action: { do: 'freeze', authority: a.authority },
      // Taking a key away adds nothing to what may be: it needs no check, and it is what mends a cluster where kubeadm may have run.
      effects: [
        read(keys, 'absent'),
        ...proofs.map((proof) => ({ kind: 'read' as const, stores: proof.of, keep: proof.keep })),
      ],
      proof: proofs,
      inverse: { do: 'unfreeze', authority: a.authority },
    });
  }
}

/** What this plan wrote before and kubeadm might have written over until now. */
function untouched(c: Course, a: AuthorityRotation): Proof[] {
  const targets = new Set(c.t.flows.filter((flow) => flow.actor === 'kubeadm').map((flow) => flow.to));
  const written = new Map<string, Value>();
  for (const step of c.steps) {
    for (const [id, value] of Object.entries(step.after)) {
      if (targets.has(id) && c.stores.get(id)?.authority === a.authority) written.set(id, value);
    }
  }
  const values = new Set(written.values());
  return [...values].map((value) => ({
    kind: 'holds',
    authority: a.authority,
    of: [...written].filter(([, one]) => one === value).map(([id]) => id),
    keep: [value],
  }));
}

/** Puts the key that belongs to the CA file back: new after retire, old after a rollback. */
export function unfreeze(c: Course): void {
  const back = endsOf(c).stays;
  for (const a of c.rotation.authorities) {
    const keys = keysOf(c, a, (value) => value !== back);
    if (keys.length === 0 || a.external === true) continue;
    place(c, {
      id: `${c.move}.${a.authority}.unfreeze`,
      authority: a.authority,
      title: 'put the CA key back where kubeadm looks for it',
      action: { do: 'unfreeze', authority: a.authority },
      effects: [{ kind: 'write', stores: keys, value: back }, read(keys, back)],
      proof: [],
      inverse: { do: 'freeze', authority: a.authority },
    });
  }
}

/** Keys by what was seen of them at the beginning. */
const keysOf = (c: Course, a: AuthorityRotation, wanted: (value: Value) => boolean): string[] =>
  kubeadmKeys(c.survey, a).flatMap(({ id, value }) => (wanted(value) ? [id] : []));

/** Keys are moved by reroot itself and never read back: the step that moves them knows. */
const read = (keys: readonly string[], value: Value) => ({ kind: 'read', stores: keys, keep: [value] }) as const;
