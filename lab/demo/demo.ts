// The demo: a lab, load on it, both authorities to the end of retire, what was measured, and the lab taken down again.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, failedSafe, RerootError, reasonOf } from '../../src/errors.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import { plainLine } from '../../src/views/plain.ts';
import { labDir } from '../state.ts';
import { blockedParties, type Finished, runReroot, waiving } from './child.ts';
import { cleanLoad } from './load-process.ts';
import { outlook } from './outlook.ts';
import { renewOwnKubeconfig } from './own-kubeconfig.ts';
import { countRestarts } from './restarts.ts';
import { availability } from './tally.ts';

export interface DemoOptions {
  kind: 'processes' | 'full';
  name: string;
  keep: boolean;
  controlPlanes: number;
  /** Of a full lab. */
  workers: number;
  kubernetes?: string;
  /** Seconds of load after retire, to see who is cut off and who is not. */
  after: number;
  say: (line: string) => void;
  /** When it aborts, what runs is asked to end and the lab is taken down. */
  signal: AbortSignal;
}

export interface DemoResult {
  lab: 'processes' | 'full';
  authorities: string[];
  requests: number;
  failedBeforeRetire: number;
  failedAfterRetire: Record<string, number>;
  excused: Record<string, number>;
  restarts: Record<string, number>;
  waived: string[];
  seconds: number;
  report: string;
}

const AUTHORITIES = ['kubernetes', 'front-proxy'];

export async function demo(options: DemoOptions): Promise<DemoResult> {
  const { say, name } = options;
  const begun = Date.now();
  for (const line of outlook(options)) say(line);
  await up(options);
  try {
    await putWorkloads(options);
    return await rotateUnderLoad(options, begun);
  } catch (thrown) {
    if (!options.signal.aborted) throw thrown;
    throw new RerootError(EXIT.interrupted, `interrupted: ${reasonOf(thrown)}`);
  } finally {
    if (options.keep) say(`The lab stays up: reroot lab down --name ${name} takes it away.`);
    else await must(['lab', 'down', '--name', name], say, 'the lab could not be taken down');
  }
}

async function up({ kind, name, controlPlanes, workers, kubernetes, say, signal }: DemoOptions): Promise<void> {
  const args = ['lab', 'up', '--kind', kind, '--name', name, '--control-planes', String(controlPlanes)];
  if (kind === 'full') args.push('--workers', String(workers));
  if (kubernetes) args.push('--kubernetes', kubernetes);
  await must(args, say, 'the lab could not be started', signal);
}

async function putWorkloads({ kind, name, say, signal }: DemoOptions): Promise<void> {
  if (kind !== 'full') return;
  await must(['lab', 'workloads', '--name', name], say, 'the workloads could not be put on the lab', signal);
}

async function rotateUnderLoad(options: DemoOptions, begun: number): Promise<DemoResult> {
  const { say, name, signal } = options;
  const dir = labDir(name);
  say('Load begins; 20 s of baseline first.');
  // Two cores carry five nodes and every kind of client, but not at full rate.
  const args = options.kind === 'full' ? ['--keep', '--rate', '5'] : ['--keep'];
  const load = await cleanLoad({ lab: name, seconds: 2400, args, signal }, say);
  const events: RotationEvent[] = [];
  const onEvent = (event: RotationEvent): void => {
    events.push(event);
    say(plainLine(event));
  };
  try {
    const restarts = await countRestarts(options.kind, dir);
    say('The baseline is clean. Rotation to the end of issue:');
    const common = ['--config', join(dir, 'reroot.yaml'), '--kubeconfig', join(dir, 'kubeconfig'), '-o', 'json'];
    const authority = ['--authority', AUTHORITIES.join(',')];
    check(await runReroot(['rotate', '--until', 'issue', ...authority, ...common], { onEvent, signal }), 'issue');

    if (options.kind === 'full') {
      say("The administrator's own kubeconfig, outside the cluster, gets a certificate from new and the new CA:");
      await renewOwnKubeconfig(dir, (args) => must(args, say, 'the kubeconfig could not be renewed', signal));
    }
    const waived = await whoKeepsOld([...authority, ...common], say, signal);
    say('Retire, with each of them waived by name:');
    const waive = waiving(waived, 'kept on purpose by the demo: it must fail afterwards');
    check(
      await runReroot(['rotate', '--until', 'retire', '--yes', ...waive, ...authority, ...common], { onEvent, signal }),
      'retire',
    );

    await pause(options.after * 1000, undefined, { signal });
    const restarted = await restarts();
    const summary = await load.stop();
    const report = await writeReport(name, common, say);
    const { before, ...counts } = availability(summary, events);
    writeFileSync(report.replace(/html$/, 'load.json'), JSON.stringify(summary));
    for (const { t, kind, target, text } of before.slice(0, 10)) {
      say(`failed before retire: ${new Date(t).toISOString()} ${kind} ${target ?? ''} ${text}`);
    }
    const result: DemoResult = {
      lab: options.kind,
      authorities: AUTHORITIES,
      ...counts,
      restarts: restarted,
      waived,
      seconds: Math.round((Date.now() - begun) / 1000),
      report,
    };
    return result;
  } catch (thrown) {
    await load.stop().catch(() => undefined);
    throw thrown;
  }
}

function check(run: Finished, move: string): void {
  if (run.code === 0) return;
  throw failedSafe(`${move} was not reached: ${run.stderr.trim() || `exit code ${run.code}`}`);
}

/** Retire without a waiver must be refused: the clients that keep old are named. Their ids are what the second try waives. */
async function whoKeepsOld(
  flags: readonly string[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  say('Retire, without any waiver. It must be refused, with the names of those that keep the old CA:');
  const run = await runReroot(['rotate', '--until', 'retire', '--yes', ...flags], {
    onEvent: (event) => say(plainLine(event)),
    signal,
  });
  if (run.code !== 3)
    throw failedSafe(
      `retire should have been refused with exit code 3, and ended with ${run.code}: ${run.stderr.trim()}`,
    );
  return blockedParties(run);
}

async function writeReport(name: string, common: readonly string[], say: (line: string) => void): Promise<string> {
  const file = join(
    dirname(dirname(labDir(name))),
    'reports',
    `${name}-${new Date().toISOString().replace(/[:.]/g, '-')}.html`,
  );
  mkdirSync(dirname(file), { recursive: true });
  const args = ['report', '-o', 'html', '--out', file, ...common.slice(0, 4)];
  await must(args, say, 'the report could not be written');
  return file;
}

async function must(
  args: readonly string[],
  say: (line: string) => void,
  why: string,
  signal?: AbortSignal,
): Promise<void> {
  const run = await runReroot(args, { onLine: say, ...(signal ? { signal } : {}) });
  if (run.code !== 0)
    throw new RerootError(
      run.code === 2 || run.code === 130 ? run.code : 4,
      `${why}: ${run.stderr.trim() || `exit code ${run.code}`}`,
    );
}
