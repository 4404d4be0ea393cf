// Webhooks, aggregated APIs and conversions of which something showed nothing to the look: no endpoint, no answer. What is down comes back with what it
// had, so the CA that it may be certified by is not taken out of its caBundle before it was seen, or its user's word.

import { trustOf } from '../catalog/value-of.ts';
import type { Callee } from '../model/inventory.ts';
import type { Blocker, Step } from '../model/step.ts';
import { addBlockers, type Course, endsOf } from './course.ts';

/** Lets the step at this place wait for those whose caBundle holds the CA that is to go. */
export function waitForUnseen(c: Course, at: number): void {
  const named = new Set(c.steps[at]?.blockers.map(({ party }) => party));
  const blockers = unseen(c)
    .filter(({ id }) => !named.has(id))
    .map((callee) => blockerOf(callee, endsOf(c).gone));
  addBlockers(c, at, blockers);
}

/** The first step since `begun` that leaves one CA alone in the caBundle of such a one; -1 for none. */
export function firstDrop(c: Course, begun: number): number {
  const { stays } = endsOf(c);
  const bundles = new Set(unseen(c).flatMap(({ caBundle }) => caBundle ?? []));
  const drops = ({ action }: Step): boolean =>
    action.do === 'write' && action.value === stays && action.stores.some((id) => bundles.has(id));
  return c.steps.findIndex((step, i) => i >= begun && drops(step));
}

/** One without verification, or with a caBundle of another CA, is nobody of ours. */
function unseen(c: Course): Callee[] {
  const { survey } = c;
  const { gone } = endsOf(c);
  const a = survey.of('kubernetes');
  if (!a) return [];
  return survey.inventory.callees.filter((callee) => {
    if (callee.why === undefined || callee.insecureSkipTLSVerify || survey.isWaived(callee.id)) return false;
    const bundle = callee.caBundle ? survey.store(callee.caBundle) : undefined;
    const trusts = bundle ? trustOf(bundle.certs, a) : 'none';
    return trusts === gone || trusts === 'both';
  });
}

const blockerOf = ({ id, why }: Callee, dropped: string): Blocker => ({
  party: id,
  reason: 'callee-not-seen',
  message: `what it serves could not be seen (${why}): a certificate from ${dropped} would not be accepted any more when it comes back`,
  ways: [
    'make it answer, with a ready Pod whose port is reached from here or through its node, then run this again',
    `--waive ${id}=REASON, which leaves its caBundle as it is`,
  ],
});
