// The smallest planner there can be: it knows writes only. Everything else it is told by the gates.

import { apply } from '../../src/core/model/apply.ts';
import { effectOf, gateOf } from '../../src/core/model/gate.ts';
import { check } from '../../src/core/model/invariant.ts';
import { Contradiction, type State } from '../../src/core/model/state.ts';
import type { Effect, Proof } from '../../src/core/model/step.ts';
import type { Topology } from '../../src/core/model/topology.ts';
import type { Act, Order } from './script.ts';

const act = (effect: Effect, name: string = effect.kind): Act => ({ name, effect });

/** Proofs as acts; a restart is done before it is proved. */
export const actsOf = (proofs: readonly Proof[]): Act[] =>
  proofs.flatMap((proof) => {
    const shown = act(effectOf(proof), `${proof.kind} ${proof.of[0]}`);
    return proof.kind === 'restarted' ? [act({ kind: 'restart', parties: proof.of }), shown] : [shown];
  });

export interface Walk {
  state: State;
  acts: Act[];
}

/** Undefined where a proof cannot be had. */
export function walk(t: Topology, from: State, acts: readonly Act[]): State | undefined {
  try {
    return acts.reduce((state, { effect }) => apply(t, state, effect), from);
  } catch (thrown) {
    if (thrown instanceof Contradiction) return undefined;
    throw thrown;
  }
}

/** The write, after the proofs its gate asks for; undefined where they cannot be had or are not enough. */
export function passGate(t: Topology, from: State, write: Act): Walk | undefined {
  let violations = check(t, from, write.effect);
  let state = from;
  const acts: Act[] = [];
  if (violations.length > 0) {
    const gate = actsOf(gateOf(t, state, violations));
    const proved = gate.length > 0 ? walk(t, state, gate) : undefined;
    if (!proved) return undefined;
    acts.push(...gate);
    state = proved;
    violations = check(t, state, write.effect);
  }
  return violations.length > 0 ? undefined : { state: apply(t, state, write.effect), acts: [...acts, write] };
}

/**
 * Does the writes of each queue in their order, choosing among the queues by `choose`; a queue whose next write is not possible yet
 * waits. Ends when all are done, or none is possible.
 */
export function planByGates(
  t: Topology,
  from: State,
  queues: readonly Order[],
  choose: (n: number) => number,
): Walk & { left: Act[] } {
  let state = from;
  const acts: Act[] = [];
  const rest = queues.map((queue) => [...queue]).filter((queue) => queue.length > 0);
  let waiting = [...rest];
  while (waiting.length > 0) {
    const at = choose(waiting.length);
    const queue = waiting[at]!;
    const passed = passGate(t, state, queue[0]!);
    if (!passed) {
      waiting.splice(at, 1);
      continue;
    }
    state = passed.state;
    acts.push(...passed.acts);
    queue.shift();
    waiting = rest.filter((one) => one.length > 0);
  }
  return { state, acts, left: rest.flat() };
}
