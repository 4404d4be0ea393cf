// The demo: a lab, load on it, both authorities to the end of retire, what was measured, and the lab taken down again.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failedSafe, RerootError } from '../../src/errors.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import { plainLine } from '../../src/views/plain.ts';
import { labDir } from '../state.ts';
import { type Finished, runReroot } from './child.ts';
import { startLoad } from './load-process.ts';
import { availability, restartsSince, type SupervisorEvent } from './tally.ts';

export interface DemoOptions {
  name: string;
  keep: boolean;
  controlPlanes: number;
  kubernetes?: string;
  /** Seconds of load after retire, to see who is cut off and who is not. */
  after: number;
  say: (line: string) => void;
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
const COMPONENTS = ['kube-apiserver', 'etcd', 'kube-scheduler', 'kube-controller-manager', 'kubelet'];

export async function demo(options: DemoOptions): Promise<DemoResult> {
  const { say, name } = options;
  const begun = Date.now();
  say('This is what happens now, on loopback addresses only, as the user you are:');
  say(
    '  1. a Kubernetes control plane of plain processes (the components are built once, 4 to 9 minutes, then cached)',
  );
  say('  2. load on it by a dozen kinds of clients, with a baseline of 20 s before anything is touched');
  say(
    '  3. the Kubernetes CA and the front-proxy CA turned to the end of retire (about 3 minutes, 2 of them watching that old stays out)',
  );
  say('  4. what was measured, a report, and the lab taken down. It takes about 1.5 GB of memory and 2 GB of disk.');
  await up(options);
  try {
    return await rotateUnderLoad(options, begun);
  } finally {
    if (options.keep) say(`The lab stays up: reroot lab down --name ${name} takes it away.`);
    else await must(['lab', 'down', '--name', name], say, 'the lab could not be taken down');
  }
}

async function up(options: DemoOptions): Promise<void> {
  const args = [
    'lab',
    'up',
    '--kind',
    'processes',
    '--name',
    options.name,
    '--control-planes',
    String(options.controlPlanes),
  ];
  if (options.kubernetes) args.push('--kubernetes', options.kubernetes);
  await must(args, options.say, 'the lab could not be started');
}

async function rotateUnderLoad(options: DemoOptions, begun: number): Promise<DemoResult> {
  const { say, name } = options;
  const dir = labDir(name);
  say('Load begins; 20 s of baseline first.');
  const load = startLoad({ lab: name, seconds: 1800, args: ['--keep'] });
  const events: RotationEvent[] = [];
  const onEvent = (event: RotationEvent): void => {
    events.push(event);
    say(plainLine(event));
  };
  try {
    await load.baseline;
    const since = Date.now();
    say('The baseline is clean. Rotation to the end of issue:');
    const common = ['--config', join(dir, 'reroot.yaml'), '--kubeconfig', join(dir, 'kubeconfig'), '-o', 'json'];
    const authority = ['--authority', AUTHORITIES.join(',')];
    check(await runReroot(['rotate', '--until', 'issue', ...authority, ...common], { onEvent }), 'issue');

    const waived = await whoKeepsOld([...authority, ...common], say);
    say('Retire, with each of them waived by name:');
    const waive = waived.flatMap((party) => [
      '--waive',
      `${party}=kept on purpose by the demo: it must fail afterwards`,
    ]);
    check(
      await runReroot(['rotate', '--until', 'retire', '--yes', ...waive, ...authority, ...common], { onEvent }),
      'retire',
    );

    await new Promise((resolve) => setTimeout(resolve, options.after * 1000));
    const summary = await load.stop();
    const report = await writeReport(name, common, say);
    const log = readLog(join(dir, 'events.jsonl'));
    const { before, ...counts } = availability(summary, events);
    writeFileSync(report.replace(/html$/, 'load.json'), JSON.stringify(summary));
    for (const { t, kind, target, text } of before.slice(0, 10)) {
      say(`failed before retire: ${new Date(t).toISOString()} ${kind} ${target ?? ''} ${text}`);
    }
    const result: DemoResult = {
      lab: 'processes',
      authorities: AUTHORITIES,
      ...counts,
      restarts: restartsSince(log, since, COMPONENTS),
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
async function whoKeepsOld(flags: readonly string[], say: (line: string) => void): Promise<string[]> {
  say('Retire, without any waiver. It must be refused, with the names of those that keep the old CA:');
  const run = await runReroot(['rotate', '--until', 'retire', '--yes', ...flags], {
    onEvent: (event) => say(plainLine(event)),
  });
  if (run.code !== 3)
    throw failedSafe(
      `retire should have been refused with exit code 3, and ended with ${run.code}: ${run.stderr.trim()}`,
    );
  const parties = run.events.filter((event) => event.type === 'blocked').map((event) => event.party);
  return [...new Set(parties.filter((party): party is string => party !== undefined))];
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

async function must(args: readonly string[], say: (line: string) => void, why: string): Promise<void> {
  const run = await runReroot(args, { onLine: say });
  if (run.code !== 0)
    throw new RerootError(run.code === 2 ? 2 : 4, `${why}: ${run.stderr.trim() || `exit code ${run.code}`}`);
}

function readLog(file: string): SupervisorEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SupervisorEvent);
}
