// `-o board`: the view as a frame of lines, and a painter that redraws them in place.

import { some } from '../core/model/some.ts';
import type { RotationEvent } from '../rotate/events.ts';
import { type BoardView, emptyBoard, ended, shownMoves, withEvent } from './board-view.ts';
import { type Colours, coloursFor, type Output, plainColours } from './colours.ts';
import { printable } from './redact.ts';
import { duration, wrap } from './text.ts';

export interface FrameOptions {
  /** Milliseconds since the epoch: running times count up to it. */
  now: number;
  /** Columns of the terminal. Default 80. */
  width?: number;
  colours?: Colours;
}

/** The board as lines, none wider than the terminal (escape sequences not counted). */
export function frame(view: BoardView, options: FrameOptions): string[] {
  const { now, width = 80, colours = plainColours } = options;
  const running = view.begunAt === undefined ? '' : duration((now - view.begunAt) / 1000);
  const title = view.title || 'reroot';
  const lines = [
    colours.bold(cut(spread(view.rotation ? `rotation ${view.rotation}` : title, running, width), width)),
    ...(view.rotation && view.title ? [cut(view.title, width)] : []),
    '',
    ...movesLines(view, width, colours),
    ...progress(view, width),
    '',
    ...stepLines(view, now, width, colours),
    ...blockedLines(view, width, colours),
    ...restartLine(view, width),
    '',
    ...view.log.map((line) => colours.dim(cut(line, width))),
  ];
  return view.ended ? [...lines, '', colours.bold(cut(view.ended.message, width))] : lines;
}

function cut(text: string, width: number): string {
  const line = printable(text).replaceAll('\n', ' ');
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

const spread = (left: string, right: string, width: number): string =>
  right && left.length + right.length < width ? left + right.padStart(width - left.length) : left;

/** Beside each other where the terminal is wide enough. */
function movesLines(view: BoardView, width: number, colours: Colours): string[] {
  const cells = (paint: Colours): string[] => shownMoves(view).map((move) => moveCell(move, view.moves[move], paint));
  const fits = cells(plainColours).join(GAP).length <= width;
  return fits ? [cells(colours).join(GAP)] : cells(colours);
}

const GAP = '   ';

function moveCell(move: string, state: BoardView['moves']['trust'], colours: Colours): string {
  switch (state) {
    case 'reached':
      return colours.green(`[x] ${move}`);
    case 'begun':
      return colours.bold(`[>] ${move}`);
    case 'open':
      return colours.dim(`[ ] ${move}`);
  }
}

function progress(view: BoardView, width: number): string[] {
  if (!view.planned) return [];
  const bar = Math.min(30, width);
  const done = Math.min(ended(view), view.planned);
  const filled = Math.round((bar * done) / view.planned);
  const text = `${'#'.repeat(filled)}${'.'.repeat(bar - filled)}  ${done} of ${view.planned} steps`;
  return [cut(view.proofs > 0 ? `${text}, proofs taken: ${view.proofs}` : text, width)];
}

function stepLines(view: BoardView, now: number, width: number, colours: Colours): string[] {
  const { step, wait } = view;
  if (!step) return wait ? waitLines(wait, now, width, colours) : [];
  const took = duration((now - step.begunAt) / 1000);
  const head = spread(`now   ${step.authority ? `${step.authority}: ` : ''}${step.message}`, took, width);
  return [cut(head, width), ...(wait ? waitLines(wait, now, width, colours) : [])];
}

function waitLines(wait: NonNullable<BoardView['wait']>, now: number, width: number, colours: Colours): string[] {
  const seconds = duration(wait.seconds + Math.max(0, now - wait.at) / 1000);
  const on = wait.missing.length > 0 ? `waits ${seconds} on ${some(wait.missing)}` : `waits ${seconds}`;
  return [
    colours.yellow(cut(`      ${on}`, width)),
    ...wrap(wait.message, width - 8)
      .slice(0, 3)
      .map((line) => colours.dim(`        ${line}`)),
  ];
}

function blockedLines(view: BoardView, width: number, colours: Colours): string[] {
  return view.blocked.flatMap((blocker) => [
    colours.red(cut(`stop  ${blocker.party}: ${blocker.message}`, width)),
    ...blocker.ways.map((way) => cut(`      hint: ${way}`, width)),
  ]);
}

function restartLine(view: BoardView, width: number): string[] {
  const counts = Object.entries(view.restarts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([component, instances]) => `${component} ${Math.max(...Object.values(instances))}`);
  return counts.length === 0 ? [] : ['', cut(`restarts, most of any instance: ${counts.join(', ')}`, width)];
}

/** Draws lines over those it drew before. Never hides the cursor, so a kill leaves the terminal as it was. */
export function painter(output: Output): { draw(lines: readonly string[]): void } {
  let drawn = 0;
  return {
    draw(lines) {
      const rows = (output.rows ?? 24) - 1;
      // What scrolled off cannot be reached by moving up: a frame higher than the terminal loses its top.
      const visible = lines.slice(-rows);
      const up = drawn > 0 ? `\u001b[${drawn}A` : '';
      output.write(`${up}\r\u001b[J${visible.map((line) => `${line}\n`).join('')}`);
      drawn = visible.length;
    },
  };
}

/** Events in, a redrawn terminal out: at each event, and each second so that running times move. */
export function boardEmitter(
  output: Output,
  now: () => number = Date.now,
): { emit(event: RotationEvent): void; close(): void } {
  const colours = coloursFor(output);
  const paint = painter(output);
  let view = emptyBoard();
  const draw = (): void => paint.draw(frame(view, { now: now(), width: output.columns ?? 80, colours }));
  const ticking = setInterval(draw, 1000);
  ticking.unref();
  return {
    emit(event) {
      view = withEvent(view, event);
      draw();
    },
    close() {
      clearInterval(ticking);
      draw();
    },
  };
}
