// How much longer a rotation takes than it must: its wall time over the sum of the waits that nobody can avoid, both from one run, on a process lab or, with
// `npm run bench:rotation -- --full`, on the full one with its workloads.
// Unavoidable: per wave of restarts the slowest instance from the old process's end to the new one's readiness; the time until the last
// namespace had the new kube-root-ca.crt, by the API's own times; the two minutes in which extension-apiserver-authentication must stay quiet; what reroot waited for
// clients that re-read a file by a timer of their own, five minutes for client-go.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockedParties, type Finished, runReroot, waiving } from '../lab/demo/child.ts';
import { renewOwnKubeconfig } from '../lab/demo/own-kubeconfig.ts';
import { nodesOver } from '../lab/full/workloads/on-node.ts';
import { labDir } from '../lab/state.ts';
import type { RotationEvent } from '../src/rotate/events.ts';
import type { RotationRecord } from '../src/rotate/record-types.ts';
import { QUIET } from '../src/rotate/shrink-union.ts';

const NAME = 'bench-rotation';
const GOAL = 1.5;
const full = process.argv.includes('--full');
const command = join(process.cwd(), 'dist', 'reroot.mjs');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function must(args: readonly string[], code = 0, events: RotationEvent[] = []): Promise<Finished> {
  const onEvent = (event: RotationEvent): void => void events.push(event);
  const done = await runReroot(args, { command, onEvent, onLine: (line) => say(line.slice(0, 160)) });
  if (done.code !== code) throw new Error(`reroot ${args.join(' ')} ended with ${done.code}: ${done.stderr}`);
  return done;
}

async function main(): Promise<void> {
  await must(['lab', 'up', '--kind', full ? 'full' : 'processes', '--name', NAME]);
  let tell = (): void => undefined;
  try {
    if (full) await must(['lab', 'workloads', '--name', NAME]);
    const dir = labDir(NAME);
    const flags = ['--config', join(dir, 'reroot.yaml'), '--kubeconfig', join(dir, 'kubeconfig'), '-o', 'json'];
    const events: RotationEvent[] = [];
    const rotate = (args: readonly string[]) => timed(() => must(['rotate', ...args, ...flags], 0, events));
    const issue = await rotate(['--until', 'issue']);
    if (full) await renewOwnKubeconfig(dir, must);
    const refused = await runReroot(['rotate', '--until', 'retire', '--yes', ...flags], { command });
    const waive = waiving(blockedParties(refused), 'the benchmark has nobody to move it');
    const retire = await rotate(['--until', 'retire', '--yes', ...waive]);
    const path = 'etc/kubernetes/pki/reroot/record.json';
    const text = full
      ? await nodesOver(join(dir, 'ssh_config'))('cp1', `cat /${path}`)
      : readFileSync(join(dir, 'nodes/cp1', path), 'utf8');
    tell = () => report(JSON.parse(text) as RotationRecord, issue + retire, rereadIn(events));
  } finally {
    await must(['lab', 'down', '--name', NAME]);
  }
  tell();
}

function report(record: RotationRecord, wall: number, reread: number): void {
  const waves = new Map<string, number>();
  for (const { step, wave, seconds } of record.restarts) {
    const key = `${step} ${wave}`;
    waves.set(key, Math.max(waves.get(key) ?? 0, seconds));
  }
  const restarts = [...waves.values()].reduce((sum, seconds) => sum + seconds, 0);
  const propagation = propagationOf(record);
  const watch = QUIET / 1000;
  const unavoidable = restarts + propagation + watch + reread;
  const value = Math.round((wall / unavoidable) * 1000) / 1000;
  const details = {
    wallSeconds: round(wall),
    unavoidableSeconds: round(unavoidable),
    restarts: round(restarts),
    propagation: round(propagation),
    watch,
    reread: round(reread),
  };
  process.stdout.write(
    `${JSON.stringify({ bench: full ? 'rotation-full' : 'rotation', value, unit: 'x', goal: GOAL, ok: value <= GOAL, details })}\n`,
  );
  process.exitCode = value <= GOAL ? 0 : 1;
}

const round = (seconds: number): number => Math.round(seconds * 10) / 10;

/** Seconds between a step's end of work and what the API showed of it, for the proofs that wait for somebody else to publish or sign. */
function propagationOf(record: RotationRecord): number {
  const others = new Set(['published', 'signs']);
  let sum = 0;
  for (const step of record.steps) {
    const shown = record.evidence.filter(({ step: id, proof }) => id === step.id && others.has(proof));
    if (shown.length === 0) continue;
    const last = Math.max(...shown.map(({ at }) => Date.parse(at)));
    sum += Math.max(0, last - Date.parse(step.begunAt)) / 1000;
  }
  return sum;
}

/** Seconds waited in each step for who re-reads by a timer. */
function rereadIn(events: readonly RotationEvent[]): number {
  const longest = new Map<string, number>();
  for (const { type, step = '', data } of events) {
    if (type !== 'wait' || data?.proof !== 'loaded') continue;
    longest.set(step, Math.max(longest.get(step) ?? 0, Number(data.seconds)));
  }
  return [...longest.values()].reduce((sum, seconds) => sum + seconds, 0);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

await main();
