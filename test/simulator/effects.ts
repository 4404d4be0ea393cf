// Effects and states in few words, for unit tests.

import { apply } from '../../src/core/model/apply.ts';
import { believed, initialState, type State } from '../../src/core/model/state.ts';
import type { Effect } from '../../src/core/model/step.ts';
import type { Topology } from '../../src/core/model/topology.ts';
import type { Value } from '../../src/core/model/value.ts';

export const write = (value: Value, ...stores: string[]): Effect => ({ kind: 'write', stores, value });
export const read = (stores: string[], ...keep: Value[]): Effect => ({ kind: 'read', stores, keep });
export const probe = (uses: string[], ...keep: Value[]): Effect => ({ kind: 'probe', uses, keep });
export const restart = (...parties: string[]): Effect => ({ kind: 'restart', parties });
export const restarted = (...parties: string[]): Effect => ({ kind: 'restarted', parties });

export const stateAfter = (t: Topology, ...effects: Effect[]): State =>
  effects.reduce((s, e) => apply(t, s, e), initialState(t));
export const held = (t: Topology, id: string, ...effects: Effect[]) => believed(t, stateAfter(t, ...effects), id);
