// The rotation over time as one SVG: a bar for each move, a tick for each restart. Reads without colour and on paper.

import { type Html, html } from './html.ts';
import type { Report } from './report.ts';
import { duration } from './text.ts';

const WIDTH = 960;
const LEFT = 170;
const ROW = 26;
const PLOT = WIDTH - LEFT - 20;

/** Empty when nothing has run yet. */
export function timeline(report: Report): Html {
  const begun = Date.parse(report.startedAt);
  const total = Math.max(report.seconds, 1);
  const x = (time: string): number =>
    LEFT + (PLOT * Math.min(total, Math.max(0, (Date.parse(time) - begun) / 1000))) / total;
  if (report.moves.length === 0) return html``;
  const end = new Date(begun + total * 1000).toISOString();
  const rows: Html[] = [
    ...report.moves.map((move, index) => moveRow(move, index * ROW, x, end)),
    ...report.restarts.map((entry, index) => restartRow(entry, (report.moves.length + index) * ROW, x)),
  ];
  const height = rows.length * ROW + 30;
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Moves and restarts over ${duration(total)}">
${rows}${axis(height, total)}</svg>`;
}

function moveRow(move: Report['moves'][number], y: number, x: (time: string) => number, end: string): Html {
  const from = x(move.begunAt);
  const width = Math.max(2, x(move.endedAt ?? end) - from);
  const told = move.seconds === undefined ? 'open' : duration(move.seconds);
  // The text goes where there is room: behind the bar, or before it when the bar reaches the right edge.
  const behind = from + width + 70 < WIDTH;
  return html`<text x="0" y="${y + 17}">${move.move}</text>
<rect class="bar" x="${from.toFixed(1)}" y="${y + 5}" width="${width.toFixed(1)}" height="15" rx="2"><title>${move.move}: ${move.steps} steps, ${told}</title></rect>
<text class="small" x="${(behind ? from + width + 6 : from - 6).toFixed(1)}" y="${y + 17}" text-anchor="${behind ? 'start' : 'end'}">${told}</text>`;
}

function restartRow(entry: Report['restarts'][number], y: number, x: (time: string) => number): Html {
  const ticks = entry.instances.flatMap((instance) =>
    instance.at.map(
      (restart) =>
        html`<line class="tick" x1="${x(restart.at).toFixed(1)}" x2="${x(restart.at).toFixed(1)}" y1="${y + 4}" y2="${y + 21}"><title>${instance.party} restarted at ${restart.at}, ready after ${duration(restart.seconds)}</title></line>`,
    ),
  );
  return html`<text x="0" y="${y + 17}">${entry.component}</text>
<line class="rail" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${y + 12.5}" y2="${y + 12.5}"/>${ticks}`;
}

function axis(height: number, total: number): Html {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = LEFT + PLOT * part;
    const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle';
    return html`<text class="small" x="${at}" y="${height - 8}" text-anchor="${anchor}">${part === 0 ? 'start' : duration(total * part)}</text>`;
  });
  return html`<line class="rail" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${height - 24}" y2="${height - 24}"/>${marks}`;
}
