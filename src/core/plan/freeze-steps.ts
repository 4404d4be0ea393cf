// kubeadm must not find a CA key while a rotation is open: it would write one certificate without a bridge over what is served, and
// the first CA of a bundle into kubeconfigs (trap 24).

import { kubeadmKeys } from '../catalog/flows.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Proof } from '../model/step.ts';
import type { Value } from '../model/value.ts';
import { type Course, held, place } from './course.ts';

/** Takes the keys out of kubeadm's sight, of each authority that has one there. */
export function freeze(c: Course): void {
  for (const a of c.rotation.authorities) {
    const keys = keysOf(c, a).filter((id) => held(c, id).some((value) => value !== 'absent'));
    if (keys.length === 0) continue;
    const here = c.direction === 'forward' ? 'old' : 'new';
    // Away or of the generation that stays in charge: on the way there is nothing to take away.
    if (!keys.some((id) => held(c, id).includes(here))) continue;
    place(c, {
      id: `${c.move}.${a.authority}.freeze`,
      authority: a.authority,
      title: 'keep the CA key where kubeadm does not find it while the rotation is open',
      action: { do: 'freeze', authority: a.authority },
      effects: moved(keys, 'absent'),
      proof: untouched(c, a),
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
  const back = c.direction === 'forward' ? 'new' : 'old';
  for (const a of c.rotation.authorities) {
    const keys = keysOf(c, a).filter((id) => held(c, id).some((value) => value !== back));
    if (keys.length === 0 || a.external === true) continue;
    place(c, {
      id: `${c.move}.${a.authority}.unfreeze`,
      authority: a.authority,
      title: 'put the CA key back where kubeadm looks for it',
      action: { do: 'unfreeze', authority: a.authority },
      effects: moved(keys, back),
      proof: [],
      inverse: { do: 'freeze', authority: a.authority },
    });
  }
}

const keysOf = (c: Course, a: AuthorityRotation): string[] => kubeadmKeys(c.survey, a).map(({ id }) => id);

/** Keys are moved by reroot itself and never read back: the step that moves them knows. */
const moved = (keys: readonly string[], value: Value) =>
  [
    { kind: 'write', stores: keys, value },
    { kind: 'read', stores: keys, keep: [value] },
  ] as const;
