// Small words for times, names and lists, used by every view (lists: src/core/model/some.ts). Pure.

import type { CertFact } from '../core/model/inventory.ts';

/** `0.3 s`, `12 s`, `4 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  const safe = Math.max(0, seconds);
  if (safe < 9.95) return `${safe.toFixed(1)} s`;
  const whole = Math.round(safe);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** `2027-03-01 09:30Z`. */
export const dateTime = (millis: number): string => `${new Date(millis).toISOString().slice(0, 16).replace('T', ' ')}Z`;

/** `in 95 days`, `5 days ago`, `in 3 hours`: how far a moment is from now. */
export function distance(millis: number, now: number): string {
  const hours = Math.abs(millis - now) / 3_600_000;
  const amount = hours < 48 ? plural(Math.round(hours), 'hour') : plural(Math.floor(hours / 24), 'day');
  return millis >= now ? `in ${amount}` : `${amount} ago`;
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The first bytes of a fingerprint are enough to tell two CAs of one cluster apart; views that must be exact print all of it. */
export const short = (fingerprint: string): string => fingerprint.slice(0, 12);

/** `CN=kubernetes  3f2a91bc0d11  2017-03-01 09:30Z to 2027-02-27 09:30Z`. */
export const certLine = (cert: CertFact): string =>
  `${cert.subject}  ${short(cert.fingerprint)}  ${cert.keyType}  ${dateTime(cert.notBefore)} to ${dateTime(cert.notAfter)}`;

/** Rows as columns padded to their widest cell; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[], gap = '  '): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join(gap)
      .trimEnd(),
  );
}

/** Breaks a line at spaces so that none is wider than `width`, unless one word is. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  if (line) lines.push(line);
  return lines;
}
