// The plan: what is left to do up to a move, in an order in which every step is safe. Made from what was seen, every time anew.

import type { PartyId } from '../model/ids.ts';
import { componentOf } from '../model/invariant.ts';
import type { Inventory, Millis } from '../model/inventory.ts';
import type { Move, Rotation } from '../model/rotation.ts';
import type { Plan, Refusal, Step } from '../model/step.ts';
import { type Course, courseOf } from './course.ts';
import { look, prove } from './goals.ts';
import { issue } from './issue.ts';
import { SUPPORTED } from './preconditions-cluster.ts';
import { blockersFirst, retire } from './retire.ts';
import { restartUnknown } from './stale-restarts.ts';
import { waitForStrangers } from './strangers.ts';
import { trust } from './trust.ts';

/**
 * Steps that are left up to the end of `until`, earlier moves included, with their gates, proofs and blockers. No steps: the move is
 * reached. A refusal says why there is no safe order, and steps end there. Pure; `now` in milliseconds.
 */
export function plan(inventory: Inventory, rotation: Rotation, until: Move, now: Millis): Plan {
  const refusal = notForward(rotation, until);
  if (refusal) return { steps: [], routes: routesOf(rotation), restarts: {}, refusal };
  const c = courseOf(inventory, rotation, now, 'forward');
  look(c);
  restartUnknown(c);
  trust(c);
  const ownTrust = c.steps.some((step) => step.move === 'trust' && step.action.do !== 'prove');
  if (until === 'trust' || ownTrust) prove(c, 'trust');
  if (until !== 'trust') {
    const begun = c.steps.length;
    issue(c);
    // Without a bridge what trusts old alone is cut off when new is served.
    if (c.survey.of('kubernetes')?.route === 'bundle') waitForStrangers(c, begun, ['trust']);
    blockersFirst(c, begun);
    const ownIssue = c.steps.slice(begun).some((step) => step.action.do !== 'prove');
    if (until === 'issue' || ownIssue) prove(c, 'issue');
  }
  if (until === 'retire') {
    retire(c);
    prove(c, 'retire');
  }
  return planOf(c);
}

/** Whether a plan changes nothing any more: what is left is to be measured, and once it was, the move is reached. */
export const onlyProves = (plan: Pick<Plan, 'steps'>): boolean =>
  plan.steps.every((step) => step.action.do === 'prove');

export function planOf(c: Course): Plan {
  const deadline = deadlineOf(c);
  return {
    steps: c.steps,
    routes: routesOf(c.rotation),
    restarts: restartsOf(c),
    ...(c.refusal ? { refusal: c.refusal } : {}),
    ...(deadline ? { deadline } : {}),
  };
}

const routesOf = (rotation: Rotation): Plan['routes'] =>
  rotation.authorities.map(({ authority, route, because }) => ({ authority, route, because }));

function notForward(rotation: Rotation, until: Move): Refusal | undefined {
  const foreign = rotation.authorities.find((a) => !SUPPORTED.includes(a.authority));
  if (foreign) {
    return {
      reason: 'authority-not-supported-yet',
      message: `the ${foreign.authority} authority is not rotated by this version; its stores are seen and left alone`,
      hint: `name the others: --authority ${SUPPORTED.join(',')}`,
    };
  }
  if (until === 'rollback') throw new Error('a way back is planned by planRollback');
  const burnt = rotation.rollback === true || rotation.authorities.some((a) => a.bridges.reverse !== undefined);
  if (!burnt) return undefined;
  return {
    reason: 'generation-goes-back',
    message:
      'this rotation has begun to roll back: a reverse bridge makes its new generation a back door, so it can only go back (trap 2)',
    hint: 'reroot rollback ends it; a new rotation makes a new generation',
  };
}

/** Components whose count a plan always says, restarted or not. */
const ALWAYS = ['kube-apiserver', 'etcd', 'kube-controller-manager', 'kube-scheduler', 'kubelet'];

/** Restarts by component: the most of any instance. */
function restartsOf(c: Course): Record<string, number> {
  const counts = new Map<PartyId, number>();
  for (const party of c.steps.flatMap(restartedBy)) counts.set(party, (counts.get(party) ?? 0) + 1);
  const most: Record<string, number> = Object.fromEntries(ALWAYS.map((component) => [component, 0]));
  let pods = 0;
  for (const [party, count] of counts) {
    const component = componentOf(party);
    if (component === 'pod') pods = Math.max(pods, count);
    else most[component] = Math.max(most[component] ?? 0, count);
  }
  return { ...most, pods };
}

const restartedBy = (step: Step): PartyId[] =>
  step.action.do === 'restart'
    ? step.action.waves.flat()
    : step.action.do === 'evict' || step.action.do === 'roll'
      ? [...step.action.pods]
      : [];

function deadlineOf(c: Course): Plan['deadline'] {
  const ends = c.rotation.authorities.map((a) => ({
    at: a.old.notAfter,
    name: `${a.authority}'s old CA`,
    route: a.route,
  }));
  const [first] = ends.sort((a, b) => a.at - b.at);
  if (!first) return undefined;
  const because =
    first.route === 'bridge' ? `${first.name} ends then, and every bridge with it` : `${first.name} ends then`;
  return { at: first.at, because };
}
