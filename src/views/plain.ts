// One event as text for a log or a terminal without cursor movement: when, which move, which authority, what, on whom, for how long.

import { some } from '../core/model/some.ts';
import type { RotationEvent } from '../rotate/events.ts';
import { type Colours, plainColours } from './colours.ts';
import { hintsOf, nameList, numberOf, stateOf, textOf } from './event-data.ts';
import { printable } from './redact.ts';
import { columns, duration } from './text.ts';

/**
 * The event's line; what stands in the way, failures and errors carry indented `reason:` and `hint:` lines below it.
 * No newline at the end. Times are UTC.
 */
export function plainLine(event: RotationEvent, colours: Colours = plainColours): string {
  const head = [
    colours.dim(`${event.time.slice(11, 19)}Z`),
    (event.move ?? '').padEnd(8),
    (event.authority ?? '').padEnd(15),
    wordOf(event, colours),
  ];
  const [first = '', ...more] = printable(sentence(event)).trimEnd().split('\n');
  const rest = [...more, ...below(event).flatMap((line) => printable(line).trimEnd().split('\n'))];
  return [`${head.join(' ')} ${first}`.trimEnd(), ...rest.map((line) => `${INDENT}${colours.dim(line)}`)].join('\n');
}

const INDENT = ' '.repeat(10);
const WORD_WIDTH = 9;

function wordOf(event: RotationEvent, colours: Colours): string {
  const word = (text: string, paint: (text: string) => string): string => paint(text.padEnd(WORD_WIDTH));
  switch (event.type) {
    case 'begin':
    case 'plan':
    case 'end':
      return word(event.type, colours.bold);
    case 'move':
      return word(stateOf(event) === 'reached' ? 'reached' : 'begin', colours.bold);
    case 'step':
      return stepWord(event, colours, word);
    case 'wait':
      return word('wait', colours.yellow);
    case 'proof':
      return word('proved', colours.green);
    case 'restart':
      return word(stateOf(event) === 'begin' ? 'restart' : 'restarted', colours.cyan);
    case 'blocked':
      return word('BLOCKED', colours.red);
    case 'warning':
      return word('warning', colours.yellow);
    case 'error':
      return word('ERROR', colours.red);
  }
}

function stepWord(
  event: RotationEvent,
  colours: Colours,
  word: (text: string, paint: (text: string) => string) => string,
): string {
  switch (stateOf(event)) {
    case 'done':
      return word('done', colours.green);
    case 'failed':
      return word('FAILED', colours.red);
    case 'skipped':
      return word('skip', colours.dim);
    default:
      return word('step', colours.bold);
  }
}

/** The message, and behind it what it does not already name: the party, what is missing, how long. */
function sentence(event: RotationEvent): string {
  const parts = [event.message];
  if (event.party && !event.message.includes(event.party)) parts.push(`(${event.party})`);
  const missing = nameList(event.data?.missing).filter((name) => !event.message.includes(name));
  if (event.type === 'wait' && missing.length > 0) parts.push(`- on ${some(missing)}`);
  if (event.type === 'proof') parts.push(...proofWords(event));
  const seconds = numberOf(event.data?.seconds);
  if (seconds !== undefined && !/\d s\b/.test(event.message)) {
    parts.push(`- ${event.type === 'wait' ? 'for ' : ''}${duration(seconds)}`);
  }
  return parts.filter(Boolean).join(' ');
}

function proofWords(event: RotationEvent): string[] {
  const of = textOf(event.data?.of);
  const value = textOf(event.data?.value);
  const told = (text: string | undefined): text is string => text !== undefined && !event.message.includes(text);
  return [told(of) ? of : '', told(value) ? `holds ${value}` : ''].filter(Boolean);
}

/** The lines below: why, and each way on as a command. */
function below(event: RotationEvent): string[] {
  if (event.type === 'plan') return planLines(event);
  const lines: string[] = [];
  const reason = textOf(event.data?.reason) ?? textOf(event.data?.error);
  if (reason && !event.message.includes(reason)) lines.push(`reason: ${reason}`);
  for (const way of hintsOf(event)) lines.push(`hint: ${way}`);
  return lines;
}

function planLines(event: RotationEvent): string[] {
  const lines: string[] = [];
  for (const route of Array.isArray(event.data?.routes) ? event.data.routes : []) {
    const { authority, route: name, because } = route as Record<string, unknown>;
    lines.push(`${textOf(authority) ?? '?'}: ${textOf(name) ?? '?'} route${because ? `, ${String(because)}` : ''}`);
  }
  const restarts = Object.entries((event.data?.restarts ?? {}) as Record<string, unknown>);
  if (restarts.length > 0) {
    lines.push(
      'restarts of each instance, at most:',
      ...columns(restarts.map(([name, count]) => [`  ${name}`, String(count)])),
    );
  }
  return lines;
}
