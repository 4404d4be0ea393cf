// A plan for people: the routes and why, each step with its targets and what proves it, the impact, the deadline, and what stands in the way.

import type { Authority } from '../core/model/ids.ts';
import type { CertFact, Inventory } from '../core/model/inventory.ts';
import type { AuthorityRotation, Move } from '../core/model/rotation.ts';
import type { Plan, Refusal } from '../core/model/step.ts';
import { type Colours, plainColours } from './colours.ts';
import { blockerLines, stepLines } from './plan-steps.ts';
import { certLine, columns, dateTime, distance, plural } from './text.ts';

export interface PlanTextOptions {
  /** Old and new of each authority with their bridges, where the material is known already. */
  rotation?: readonly AuthorityRotation[];
  /** Print every store, however many there are. Otherwise the first few of each step and how many more. */
  full?: boolean;
  colours?: Colours;
}

const PURPOSE: Record<Move, string> = {
  trust: 'everything that verifies accepts what issue will present',
  issue: 'everything that presents a credential presents one from new',
  retire: 'nothing accepts old any more; the only move that cannot simply be undone',
  rollback: 'back to old',
};

/** The whole plan as text that ends in a newline. Changes nothing, reads nothing: dates are held against the inventory's time. */
export function planText(plan: Plan, inventory: Inventory, options: PlanTextOptions = {}): string {
  const colours = options.colours ?? plainColours;
  const title = colours.bold;
  const sections: string[][] = [
    [
      title(
        `Plan for ${inventory.cluster.server} (Kubernetes ${inventory.cluster.version}), as seen ${dateTime(inventory.takenAt)}`,
      ),
    ],
    [title('Routes'), ...routeLines(plan, inventory, options.rotation ?? [])],
    [title('Deadline'), ...deadlineLines(plan, inventory, options.rotation ?? [])],
    [title('Restarts of each instance, at most'), ...restartLines(plan)],
    ...moveSections(plan, options.full === true, colours),
    ...(plan.refusal ? [refusalLines(plan.refusal, colours)] : []),
    [title('Stands in the way'), ...blockerLines(plan, colours)],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function routeLines(plan: Plan, inventory: Inventory, rotation: readonly AuthorityRotation[]): string[] {
  if (plan.routes.length === 0) return ['  none: there is nothing to rotate'];
  return plan.routes.flatMap(({ authority, route, because }) => {
    const found = rotation.find((candidate) => candidate.authority === authority);
    const generations = found
      ? [
          ['old', certLine(found.old)],
          ['new', certLine(found.new)],
        ]
      : anchorsOf(inventory, authority).map((cert) => ['in use', certLine(cert)]);
    return [`  ${authority}: ${route} route, ${because}`, ...columns(generations).map((line) => `    ${line}`)];
  });
}

const anchorsOf = (inventory: Inventory, authority: Authority): readonly CertFact[] =>
  inventory.authorities.find((candidate) => candidate.authority === authority)?.anchors ?? [];

/** A bridge is valid within its signer's life, so it dies with the old CA and no later (trap 7). */
function deadlineLines(plan: Plan, inventory: Inventory, rotation: readonly AuthorityRotation[]): string[] {
  const now = inventory.takenAt;
  return plan.routes.map(({ authority, route }) => {
    const found = rotation.find((candidate) => candidate.authority === authority);
    const olds = found ? [found.old] : anchorsOf(inventory, authority);
    const ends = olds.map((cert) => cert.notAfter).sort((a, b) => a - b)[0];
    if (ends === undefined) return `  ${authority}: no CA was found, so no date is known`;
    const bridges = route === 'bridge' ? ' and its bridges, with it,' : '';
    const state = ends <= now ? 'ended' : 'end';
    const verb = bridges ? state : `${state}${state === 'end' ? 's' : ''}`;
    return `  ${authority}: the old CA${bridges} ${verb} ${dateTime(ends)} (${distance(ends, now)}): be done with retire before that`;
  });
}

function restartLines(plan: Plan): string[] {
  const counts = Object.entries(plan.restarts);
  if (counts.length === 0) return ['  none'];
  return columns(counts.map(([component, count]) => [`  ${component}`, String(count)]));
}

const MOVE_ORDER: readonly Move[] = ['trust', 'issue', 'retire', 'rollback'];

function moveSections(plan: Plan, full: boolean, colours: Colours): string[][] {
  const sections: string[][] = [];
  let number = 0;
  for (const move of MOVE_ORDER) {
    const steps = plan.steps.filter((step) => step.move === move);
    if (steps.length === 0) continue;
    const head = `${move} (${plural(steps.length, 'step')}): ${PURPOSE[move]}`;
    const lines = steps.flatMap((step) => {
      number += 1;
      return stepLines(step, number, { full, colours });
    });
    sections.push([colours.bold(head), ...lines]);
  }
  return sections.length > 0 ? sections : [[colours.bold('Steps'), '  none']];
}

function refusalLines(refusal: Refusal, colours: Colours): string[] {
  return [
    colours.red(`Refused (${refusal.reason}): no safe order of steps was found from here`),
    ...refusal.message.split('\n').map((line) => `  ${line}`),
    ...(refusal.hint ? [`  hint: ${refusal.hint}`] : []),
  ];
}
