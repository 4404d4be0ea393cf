// `reroot lab load` and `reroot lab workloads`: flags, and where the output goes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT, reasonOf, wrongUse } from '../../src/errors.ts';
import { makeAll, onSite, removeAll, removeLoad } from '../full/workloads/make.ts';
import { withLock } from '../lock.ts';
import { DEFAULT_LAB } from '../state.ts';
import { type Api, createApi } from './api.ts';
import { type Backend, processBackend } from './backend.ts';
import { listen, type Mark } from './control.ts';
import { fullBackend } from './full/backend.ts';
import { clientKinds, kindsOf } from './kinds.ts';
import { findLab, type LabTarget } from './lab-target.ts';
import { CLIENT_PODS } from './objects.ts';
import { placePod } from './pods.ts';
import { type LoadOptions, runLoad } from './run.ts';
import { isMeasurement, type LoadSummary } from './summary.ts';
import { makeWorkloads, removeWorkloads } from './workloads.ts';

const DEFAULT_RATE = 10;

interface LoadFlags {
  name: string;
  seconds: string;
  rate: string;
  baseline: string;
  clients?: string;
  summary?: string;
  keep?: boolean;
}

/** Adds the subcommands `load` and `workloads`. */
export function registerLoad(lab: Command): void {
  lab
    .command('load')
    .description(
      'Put clients of every kind on a lab and count what fails. One JSON line a second, a summary at the end. Takes the lines "stop" and "mark NAME" on standard input.',
    )
    .option('--name <name>', 'the lab', DEFAULT_LAB)
    .option('--seconds <n>', 'how long after the baseline, 1 to 7200', '60')
    .option('--rate <n>', 'requests a second of each client kind, 1 to 50', String(DEFAULT_RATE))
    .option('--baseline <n>', 'seconds in which nothing may fail before the measurement begins, 1 to 600', '20')
    .option('--clients <kinds>', `of ${kindsOf('full').join(',')} (default: all that the lab can have)`)
    .option('--summary <file>', 'write the summary there as well')
    .option('--keep', 'leave the objects of the load in the cluster')
    .action(load);
  lab
    .command('workloads')
    .description('Make the objects and pods that the load works on; run again, it makes what is missing.')
    .option('--name <name>', 'the lab', DEFAULT_LAB)
    .option('--remove', 'remove them instead')
    .action(workloads);
}

async function load(flags: LoadFlags): Promise<void> {
  const lab = findLab(flags.name);
  const options: LoadOptions = {
    seconds: bounded('--seconds', flags.seconds, 1, 7_200),
    rate: bounded('--rate', flags.rate, 1, 50),
    baseline: bounded('--baseline', flags.baseline, 1, 600),
    clients: clientKinds(lab.kind, flags.clients),
  };
  // Two loads would take each other's pods away.
  const taken = (pid: number) =>
    wrongUse(`another load runs on lab "${lab.name}", process ${pid}`, `stop it: kill ${pid}`);
  await withLock(join(lab.folder, 'load.lock'), { taken }, () => measure(lab, options, flags));
}

async function measure(lab: LabTarget, options: LoadOptions, { summary: file, keep }: LoadFlags): Promise<void> {
  const marks: Mark[] = [];
  const control = listen(process.stdin, (mark) => {
    marks.push(mark);
    say({ event: 'mark', ...mark });
  });
  try {
    const summary = await runLoad(options, { lab, backend: (api) => backendOf(lab, api), control, marks, say });
    publish(summary, file);
    if (!isMeasurement(summary.result)) process.exitCode = EXIT.checkFailed;
  } finally {
    if (!keep) await tidyUp(lab);
    control.close();
  }
}

async function workloads({ name, remove }: { name: string; remove?: boolean }): Promise<void> {
  const lab = findLab(name);
  const api = createApi(lab.kubeconfig);
  try {
    if (lab.kind === 'full') {
      await onSite(lab, api, tell, (site) => (remove ? removeAll(site) : makeAll(site, DEFAULT_RATE)));
      if (!remove) say({ lab: name, nodes: lab.nodes.map((node) => node.name) });
      return;
    }
    if (remove) {
      await removeWorkloads(api);
      return;
    }
    const nodes = await makeWorkloads(api);
    const pods = await Promise.all(CLIENT_PODS.map((app) => placePod(api, lab, app, app)));
    say({ lab: name, nodes, pods });
  } finally {
    api.close();
  }
}

const backendOf = (lab: LabTarget, api: Api): Backend =>
  lab.kind === 'full' ? fullBackend(lab, api, tell) : processBackend(lab, api);

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Progress, beside the output. */
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

function publish(summary: LoadSummary, file: string | undefined): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(summary)}\n`);
  say(summary);
}

/** What was measured stands, whether or not the objects can be removed: that is said, and no more. */
async function tidyUp(lab: LabTarget): Promise<void> {
  const { name } = lab;
  const api = createApi(lab.kubeconfig);
  try {
    if (lab.kind === 'full') await onSite(lab, api, tell, removeLoad);
    else await removeWorkloads(api);
  } catch (thrown) {
    process.stderr.write(
      `reroot: the load's objects are still there: ${reasonOf(thrown)}\n  hint: reroot lab workloads --name ${name} --remove\n`,
    );
  } finally {
    api.close();
  }
}

/** A whole number within limits, else wrong use. */
function bounded(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrongUse(`${flag} ${text}: not a whole number from ${least} to ${most}`);
}
