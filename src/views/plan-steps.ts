// One step of a plan as lines: what it waits for, what it changes, what proves it, what turns it back, who stands in the way.

import { some } from '../core/model/some.ts';
import type { Action, Blocker, Plan, Proof, Step } from '../core/model/step.ts';
import type { Colours } from './colours.ts';
import { columns, plural } from './text.ts';

interface StepOptions {
  full: boolean;
  colours: Colours;
}

/** How many stores of one step are printed before the rest is a number. */
const FEW = 6;

export function stepLines(step: Step, number: number, options: StepOptions): string[] {
  const { colours, full } = options;
  const rows: string[][] = [
    ...step.gate.map((proof) => ['gate', proofText(proof, full)]),
    ...actionRows(step.action, full),
    ...changeRows(step, full),
    ...step.proof.map((proof) => ['proof', proofText(proof, full)]),
    ['undo', step.inverse ? actionText(step.inverse, full) : 'not possible any more: old is dropped here'],
    ...step.blockers.map((blocker) => ['BLOCKED', blockerHead(blocker)]),
  ];
  return [
    `  ${String(number).padStart(2)}. ${colours.bold(`${step.authority}: ${step.title}`)}  ${colours.dim(step.id)}`,
    ...columns(rows).map((line) => `        ${line}`),
  ];
}

function changeRows(step: Step, full: boolean): string[][] {
  const targets = Object.keys(step.after);
  const shown = full || targets.length <= FEW + 1 ? targets : targets.slice(0, FEW);
  const rows = shown.map((target) => [
    'change',
    `${target}: ${step.before[target] ?? 'unknown'} -> ${step.after[target]}`,
  ]);
  if (shown.length < targets.length) {
    rows.push(['', `and ${(targets.length - shown.length).toLocaleString('en')} more in the same way`]);
  }
  return rows;
}

/** A write is told by its changes; everything else by what it does. */
const actionRows = (action: Action, full: boolean): string[][] =>
  action.do === 'write' || action.do === 'prove' ? [] : [['do', actionText(action, full)]];

export function actionText(action: Action, full = false): string {
  const list = (names: readonly string[]): string => some(names, full ? names.length : 3);
  switch (action.do) {
    case 'write':
      return `write ${action.value} to ${list(action.stores)}`;
    case 'restart':
      return `restart ${action.waves.map((wave) => list(wave)).join('; then ')}`;
    case 'evict':
      return `evict ${list(action.pods)}`;
    case 'roll':
      return `let ${list(action.workloads)} restart their pods, as kubectl rollout restart does`;
    case 'freeze':
      return `move the CA key of ${action.authority} to the staging folder, so that kubeadm leaves every certificate alone`;
    case 'unfreeze':
      return `put the CA key of ${action.authority} back into its place`;
    case 'shrink-union':
      return `take old out of ${action.store} and watch that nothing adds it again`;
    case 'nudge':
      return `send a harmless request through ${list(action.parties)}`;
    case 'prove':
      return 'measure only';
  }
}

const VERB: Record<Proof['kind'], (keep: string) => string> = {
  holds: (keep) => `holds ${keep}`,
  serves: (keep) => `serves ${keep}`,
  accepts: (keep) => `trusts ${keep}, shown by whom it accepts`,
  presents: (keep) => `presents ${keep}`,
  restarted: () => 'started after the change it must have read',
  signs: (keep) => `signs from ${keep}, shown by a request`,
  published: (keep) => `is ${keep} in every namespace`,
  loaded: (keep) => `has loaded ${keep}`,
  settled: (keep) => `stays ${keep}`,
};

/** `cp1/kube-apiserver:client-ca trusts both, shown by whom it accepts`. */
export const proofText = (proof: Proof, full = false): string =>
  `${some(proof.of, full ? proof.of.length : 3)} ${VERB[proof.kind](proof.keep.join(' or '))}`;

const blockerHead = (blocker: Blocker): string => `${blocker.party} (${blocker.reason}): ${blocker.message}`;

/** Each that blocks once, with the step it blocks first and the ways on. */
export function blockerLines(plan: Plan, colours: Colours): string[] {
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const step of plan.steps) {
    for (const blocker of step.blockers) {
      const key = `${blocker.party} ${blocker.reason}`;
      if (seen.has(key)) continue;
      seen.add(key);
      lines.push(
        `  ${colours.red(blockerHead(blocker))}`,
        `    blocks ${step.move}, step ${step.id}`,
        ...blocker.ways.map((way) => `    way on: ${way}`),
      );
    }
  }
  return lines.length > 0 ? [`  ${plural(seen.size, 'party').replace('partys', 'parties')}`, ...lines] : ['  nobody'];
}
