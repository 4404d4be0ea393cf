// The live board as values: events folded into a view, the view drawn as lines. No terminal, no clock.

import type { Authority } from '../core/model/ids.ts';
import { MOVES, type Move } from '../core/model/rotation.ts';
import type { RotationEvent } from '../rotate/events.ts';
import { hintsOf, nameList, numberOf, stateOf, textOf } from './event-data.ts';
import { plainLine } from './plain.ts';

export interface BoardView {
  rotation?: string;
  title: string;
  /** Milliseconds since the epoch; taken from the events. */
  begunAt?: number;
  moves: Record<Move, 'open' | 'begun' | 'reached'>;
  move?: Move;
  /** Steps by move: ended, and how many the plan has where it said so. */
  done: Record<Move, number>;
  planned?: number;
  step?: { id: string; message: string; authority?: Authority; begunAt: number };
  wait?: { message: string; missing: readonly string[]; seconds: number; at: number };
  /** Most restarts of any instance, by component. */
  restarts: Record<string, Record<string, number>>;
  blocked: readonly { party: string; message: string; ways: readonly string[] }[];
  proofs: number;
  ended?: { message: string; exitCode?: number };
  /** The last lines, oldest first. */
  log: readonly string[];
}

export const LOG_LINES = 8;

const perMove = <T>(value: T): Record<Move, T> => ({ trust: value, issue: value, retire: value, rollback: value });

export const emptyBoard = (): BoardView => ({
  title: '',
  moves: perMove('open' as const),
  done: perMove(0),
  restarts: {},
  blocked: [],
  proofs: 0,
  log: [],
});

/** The view after one more event. */
export function withEvent(view: BoardView, event: RotationEvent): BoardView {
  const at = Date.parse(event.time);
  const base: BoardView = {
    ...view,
    ...(event.rotation ? { rotation: event.rotation } : {}),
    begunAt: view.begunAt ?? at,
    log: logged(view.log, event),
  };
  switch (event.type) {
    case 'begin':
      return { ...base, title: event.message };
    case 'plan':
      return withPlan(base, event);
    case 'move':
      return withMove(base, event);
    case 'step':
      return withStep(base, event, at);
    case 'wait':
      return { ...base, wait: waitOf(event, at) };
    case 'proof':
      return { ...base, proofs: base.proofs + 1 };
    case 'restart':
      return stateOf(event) === 'begin' ? base : { ...base, restarts: counted(base.restarts, event.party) };
    case 'blocked':
      return { ...base, blocked: [...base.blocked, blockedOf(event)] };
    case 'end':
      return withoutStep({ ...base, ended: endOf(event) });
    case 'warning':
    case 'error':
      return base;
  }
}

/** Waits and proofs have places of their own on the board; the log keeps what happened. */
function logged(log: readonly string[], event: RotationEvent): readonly string[] {
  if (event.type === 'wait' || event.type === 'proof' || (event.type === 'step' && stateOf(event) === 'begin'))
    return log;
  return [...log, ...plainLine(event).split('\n')].slice(-LOG_LINES);
}

function withPlan(view: BoardView, event: RotationEvent): BoardView {
  const steps = event.data?.steps;
  const planned = Array.isArray(steps) ? steps.length : numberOf(steps);
  return planned === undefined ? view : { ...view, planned: planned + ended(view) };
}

export const ended = (view: BoardView): number => Object.values(view.done).reduce((sum, count) => sum + count, 0);

function withMove(view: BoardView, event: RotationEvent): BoardView {
  const { move } = event;
  if (!move) return view;
  const reached = stateOf(event) === 'reached';
  return { ...view, move, moves: { ...view.moves, [move]: reached ? 'reached' : 'begun' } };
}

function withStep(view: BoardView, event: RotationEvent, at: number): BoardView {
  const move = event.move ?? view.move;
  const moved: BoardView = move
    ? { ...view, move, moves: { ...view.moves, [move]: view.moves[move] === 'open' ? 'begun' : view.moves[move] } }
    : view;
  switch (stateOf(event)) {
    case 'done':
    case 'skipped':
      return withoutStep(move ? { ...moved, done: { ...moved.done, [move]: moved.done[move] + 1 } } : moved);
    case 'failed':
      return withoutStep(moved);
    default: {
      const step = { id: event.step ?? '', message: event.message, begunAt: at };
      const { wait: _, ...rest } = moved;
      return { ...rest, blocked: [], step: event.authority ? { ...step, authority: event.authority } : step };
    }
  }
}

function withoutStep(view: BoardView): BoardView {
  const { step: _step, wait: _wait, ...rest } = view;
  return rest;
}

const waitOf = (event: RotationEvent, at: number): NonNullable<BoardView['wait']> => ({
  message: event.message,
  missing: nameList(event.data?.missing).concat(event.data?.missing === undefined && event.party ? [event.party] : []),
  seconds: numberOf(event.data?.seconds) ?? 0,
  at,
});

const blockedOf = (event: RotationEvent): BoardView['blocked'][number] => ({
  party: event.party ?? textOf(event.data?.party) ?? 'unknown',
  message: event.message,
  ways: hintsOf(event),
});

function endOf(event: RotationEvent): NonNullable<BoardView['ended']> {
  const exitCode = numberOf(event.data?.exitCode);
  return exitCode === undefined ? { message: event.message } : { message: event.message, exitCode };
}

/** `NODE/COMPONENT` counted under its component, so that the most of any instance can be told. */
function counted(restarts: BoardView['restarts'], party: string | undefined): BoardView['restarts'] {
  if (!party) return restarts;
  const component = party.startsWith('pod/') ? 'pods' : (party.split('/')[1] ?? party);
  const instances = restarts[component] ?? {};
  return { ...restarts, [component]: { ...instances, [party]: (instances[party] ?? 0) + 1 } };
}

/** Moves in the order they are shown; a rollback only when one is under way. */
export const shownMoves = (view: BoardView): readonly Move[] =>
  view.moves.rollback === 'open' ? MOVES : [...MOVES, 'rollback'];
