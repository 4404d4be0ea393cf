// Where a rotation stands, for people: moves reached, the step that comes next, what it waits for and on whom.

import type { Inventory } from '../core/model/inventory.ts';
import { MOVES, type Move } from '../core/model/rotation.ts';
import type { Blocker, Plan } from '../core/model/step.ts';
import type { RotationRecord, StepRecord } from '../rotate/record-types.ts';
import { type Colours, plainColours } from './colours.ts';
import { proofText } from './plan-steps.ts';
import { columns, dateTime, distance, duration, plural } from './text.ts';

export interface StatusFacts {
  /** Milliseconds since the epoch. */
  now: number;
  /** The newest record; absent when no rotation was ever begun on this cluster. */
  record?: RotationRecord;
  /** The plan from here on, made from what the cluster holds now. Its first step is what comes next. */
  plan?: Plan;
  inventory?: Inventory;
}

/** Text that ends in a newline. */
export function statusText(facts: StatusFacts, colours: Colours = plainColours): string {
  const { record } = facts;
  if (!record) return 'No rotation was begun on this cluster.\nhint: reroot plan shows what one would do\n';
  const sections = [
    headLines(record, facts.now, colours),
    moveLines(record),
    record.state === 'open' || record.state === 'rolling-back' ? nextLines(facts, colours) : [],
    blockLines(facts.plan, colours),
    waiverLines(record),
    leftLines(record),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const STATE: Record<RotationRecord['state'], string> = {
  open: 'open',
  'rolling-back': 'rolling back to old',
  done: 'done',
  'rolled-back': 'rolled back: old is in use as before',
};

function headLines(record: RotationRecord, now: number, colours: Colours): string[] {
  const started = Date.parse(record.startedAt);
  const rows = [
    ['  cluster', record.server],
    ['  started', `${dateTime(started)} (${distance(started, now)})`],
    ...(record.endedAt ? [['  ended', dateTime(Date.parse(record.endedAt))]] : []),
    ...record.authorities.map((authority) => [
      `  ${authority.authority}`,
      `${authority.route} route, ${authority.because}`,
    ]),
  ];
  return [colours.bold(`Rotation ${record.id}: ${STATE[record.state]}`), ...columns(rows)];
}

function moveLines(record: RotationRecord): string[] {
  const moves: readonly Move[] = record.steps.some((step) => step.move === 'rollback') ? [...MOVES, 'rollback'] : MOVES;
  // A rollback that is reached says nothing of the three moves before it.
  const reachedUpTo = record.reached && record.reached !== 'rollback' ? MOVES.indexOf(record.reached) : -1;
  const rows = moves.map((move, index) => {
    const steps = record.steps.filter((step) => step.move === move);
    const reached = move === 'rollback' ? record.reached === 'rollback' : index <= reachedUpTo;
    return [`  ${move}`, moveState(steps, reached), stepCount(steps)];
  });
  return columns(rows);
}

function moveState(steps: readonly StepRecord[], reached: boolean): string {
  if (reached) return 'reached';
  return steps.length > 0 ? 'begun' : 'not begun';
}

function stepCount(steps: readonly StepRecord[]): string {
  const done = steps.filter((step) => step.state === 'done').length;
  return done > 0 ? `${plural(done, 'step')} done` : '';
}

function nextLines({ record, plan, now }: StatusFacts, colours: Colours): string[] {
  const lines: string[] = [];
  const last = record?.steps.at(-1);
  if (last && last.state !== 'done') {
    const since = duration((now - Date.parse(last.begunAt)) / 1000);
    const how =
      last.state === 'failed'
        ? `failed: ${last.error ?? 'no reason was recorded'}`
        : `begun ${since} ago and not ended`;
    lines.push(`Last step   ${last.id}: ${last.title}`, `            ${how}`);
  }
  const next = plan?.steps[0];
  if (next) {
    lines.push(colours.bold(`Next step   ${next.id}`), `            ${next.authority}: ${next.title}`);
    for (const proof of next.gate) lines.push(`            needs ${proofText(proof)}`);
  }
  if (plan?.refusal) lines.push(`No safe next step (${plan.refusal.reason}): ${plan.refusal.message}`);
  if (plan && !next && !plan.refusal) lines.push('No step is left of this rotation.');
  const canGoBack = record?.state === 'open' && !record.steps.some((step) => step.move === 'retire');
  const until = next?.move ?? 'retire';
  const command = record?.state === 'rolling-back' ? 'reroot rollback' : `reroot rotate --until ${until}`;
  lines.push(`hint: ${command} goes on from here${canGoBack ? '; reroot rollback turns it back' : ''}`);
  return lines;
}

function blockLines(plan: Plan | undefined, colours: Colours): string[] {
  const blockers = new Map<string, Blocker>();
  for (const step of plan?.steps ?? []) {
    for (const blocker of step.blockers) blockers.set(`${blocker.party} ${blocker.reason}`, blocker);
  }
  if (blockers.size === 0) return [];
  const lines = [...blockers.values()].flatMap((blocker) => [
    `  ${colours.red(blocker.party)}: ${blocker.message}`,
    ...blocker.ways.map((way) => `    way on: ${way}`),
  ]);
  return ['Blocked by', ...lines];
}

const waiverLines = (record: RotationRecord): string[] =>
  record.waivers.length === 0
    ? []
    : ['Waived', ...columns(record.waivers.map((waiver) => [`  ${waiver.party}`, waiver.reason]))];

const leftLines = (record: RotationRecord): string[] =>
  record.left.length === 0
    ? []
    : ['Still holds old', ...columns(record.left.map((item) => [`  ${item.store}`, item.why]))];
