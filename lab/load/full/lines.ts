// What the load's pods say: JSON lines (lab/kube/podclient_report.go has their shape) in the format in which container runtimes keep logs.

import { z } from 'zod';
import type { Tally } from '../tally.ts';

const head = { seq: z.number(), t: z.number(), kind: z.string() };
const start = z.object({ ...head, event: z.literal('start') });
const second = z.object({
  ...head,
  ok: z.record(z.string(), z.array(z.number())),
  waitMs: z.number(),
  omitted: z.record(z.string(), z.number()).optional(),
  cut: z.number().optional(),
});
const failed = z.object({
  ...head,
  failed: z.object({
    target: z.string(),
    class: z.enum(['certificate', 'authentication', 'connection', 'timeout', 'http-5xx', 'other']),
    text: z.string(),
    ms: z.number(),
  }),
});
const line = z.union([second, failed, start]);
export type Report = z.infer<typeof line>;

/** undefined for what is not a report: a line of another program, one that was cut in the middle. Format: TIME STREAM F|P TEXT (CRI logging). */
export function reportOf(logged: string): Report | undefined {
  const [, text] = /^\S+ stdout F (\{.*\})$/.exec(logged) ?? [];
  if (text === undefined) return undefined;
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Enters into the books what a report says. */
export function enter(tally: Tally, report: Report): void {
  const { kind } = report;
  if ('event' in report) return;
  if ('failed' in report) {
    const { target, class: failureClass, text, ms } = report.failed;
    tally.failed({ t: report.t, kind, ...named(target), class: failureClass, text, ms });
    return;
  }
  for (const [target, all] of Object.entries(report.ok)) for (const ms of all) tally.ok({ kind, ms, ...named(target) });
  for (const [target, count] of Object.entries(report.omitted ?? {}))
    tally.omitted(kind, count, target === '' ? undefined : target);
  for (let n = report.cut ?? 0; n > 0; n--) tally.cut(kind);
}

const named = (target: string): { target?: string } => (target === '' ? {} : { target });
