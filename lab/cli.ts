// `reroot lab …`: commands and flags; what they do is beside it.

import type { Command } from 'commander';
import { EXIT, wrongUse } from '../src/errors.ts';
import { keep } from './full/keeper.ts';
import { MAX_WORKERS } from './full/place.ts';
import { upFull } from './full/up.ts';
import { execOnAny, restoreAny, setClockOfAny, snapshotAny, statusOfAny } from './kinds.ts';
import { readGivenCAs } from './processes/given-cas.ts';
import { balance } from './processes/load-balancer.ts';
import { makeLab } from './processes/make.ts';
import type { LabStatus } from './processes/status.ts';
import { supervise } from './processes/supervisor.ts';
import { up } from './processes/up.ts';
import { down } from './remove.ts';
import { DEFAULT_LAB, labDir } from './state.ts';
import { DEFAULT_VERSION, KUBE_VERSIONS } from './versions.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Adds `lab` and returns it, so that load, workloads and the demo can be added to it. */
export function registerLab(root: Command): Command {
  const lab = root.command('lab').description('Real clusters on this machine, for tests, the demo and for rehearsing.');
  registerUp(lab);
  registerDown(lab);
  registerStatus(lab);
  registerExec(lab);
  registerSnapshots(lab);
  registerInner(lab);
  return lab;
}

interface UpFlags {
  name: string;
  kind: string;
  kubernetes: string;
  controlPlanes: string;
  workers?: string;
  network?: string;
  withCa?: string;
  withoutCaKey?: boolean;
}

function registerUp(lab: Command): void {
  lab
    .command('up')
    .description('Make a lab and leave it running. On one that is up: says so.')
    .option('--name <name>', 'several stand side by side', DEFAULT_LAB)
    .option(
      '--kind <kind>',
      'processes, or full: nodes with systemd, containerd and kubelet, by kubeadm; needs root',
      'processes',
    )
    .option(
      '--kubernetes <version>',
      `one of ${KUBE_VERSIONS.map(({ version }) => version).join(', ')}`,
      DEFAULT_VERSION,
    )
    .option('--control-planes <n>', '1 or 3', '3')
    .option('--workers <n>', `of the full lab: 1 to ${MAX_WORKERS} (default: 2)`)
    .option('--network <a.b.c>', 'first three numbers of its loopback addresses (chosen, if not given)')
    .option(
      '--with-ca <dir>',
      'CAs of the lab: ca.crt, ca.key, front-proxy-ca.crt, front-proxy-ca.key, one pair or both',
    )
    .option('--without-ca-key', 'an external CA: its keys are taken off the nodes once the lab is made')
    .action(async (flags: UpFlags) => {
      const begun = Date.now();
      await upAsAsked(flags);
      const { name } = flags;
      const dir = labDir(name);
      print(`lab "${name}" is up, after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
      print(`  kubectl:  ${dir}/bin/kubectl --kubeconfig ${dir}/kubeconfig get nodes`);
      if (flags.kind === 'full') print(`  a node:   ssh -F ${dir}/ssh_config cp1`);
      print(`  reroot:   reroot inspect --config ${dir}/reroot.yaml --kubeconfig ${dir}/kubeconfig`);
      print(`  the end:  reroot lab down --name ${name}`);
    });
}

async function upAsAsked(flags: UpFlags): Promise<void> {
  const { name, kind, kubernetes, network, withCa } = flags;
  if (!['processes', 'full'].includes(kind))
    throw wrongUse(`there is no lab of kind "${kind}"`, '--kind processes or --kind full');
  if (!['1', '3'].includes(flags.controlPlanes))
    throw wrongUse('a lab has 1 or 3 control planes', '--control-planes 3');
  const options = {
    name,
    kubernetes: kubernetes.replace(/^v/, ''),
    controlPlanes: Number(flags.controlPlanes),
    ...(network === undefined ? {} : { network }),
    ...(withCa === undefined ? {} : { givenCAs: readGivenCAs(withCa) }),
    withoutCAKey: flags.withoutCaKey ?? false,
    say: print,
  };
  if (kind === 'full') {
    await upFull({ ...options, workers: workersOf(flags.workers ?? '2') });
    return;
  }
  if (flags.workers !== undefined) throw wrongUse('--workers is for the full lab', '--kind full');
  await up(options);
}

function workersOf(text: string): number {
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return workers;
  throw wrongUse(`a lab cannot have "${text}" workers`, `--workers takes 1 to ${MAX_WORKERS}`);
}

function registerDown(lab: Command): void {
  lab
    .command('down')
    .description('End a lab and leave nothing of it.')
    .option('--name <name>', 'which lab', DEFAULT_LAB)
    .action(async ({ name }: { name: string }) => {
      print((await down(name)) ? `lab "${name}" is gone` : `there is no lab "${name}"`);
    });
}

function registerStatus(lab: Command): void {
  lab
    .command('status')
    .description('Where a lab is and whether each of its components answers; exit code 1 if one does not.')
    .option('--name <name>', 'which lab', DEFAULT_LAB)
    .option('-o, --output <format>', 'plain or json', 'plain')
    .action(async ({ name, output }: { name: string; output: string }) => {
      if (!['plain', 'json'].includes(output)) throw wrongUse(`no output format "${output}"`, '-o plain or -o json');
      const status = await statusOfAny(name);
      if (output === 'json') print(JSON.stringify(status, null, 2));
      else printPlain(status);
      if (!status.up) process.exitCode = EXIT.checkFailed;
    });
}

function printPlain(status: LabStatus): void {
  print(`lab ${status.name}: Kubernetes ${status.kubernetes}, ${status.up ? 'up' : `not up (${status.phase})`}`);
  for (const { id, up: answers, endpoint } of status.components)
    print(`  ${answers ? 'up  ' : 'DOWN'}  ${id}  ${endpoint}`);
  print(`folder ${status.folder}`);
}

function registerExec(lab: Command): void {
  lab
    .command('exec')
    .description('Run a command as if on a node: in its folder, as the user its components run as.')
    .option('--name <name>', 'which lab', DEFAULT_LAB)
    .argument('<node>')
    .argument('<command...>', 'after --')
    .action(async (node: string, command: string[], { name }: { name: string }) => {
      process.exitCode = await execOnAny(name, node, command);
    });
  lab
    .command('clock')
    .description('Make a node seem to have a clock that is off; behind by -- NODE -3600.')
    .option('--name <name>', 'which lab', DEFAULT_LAB)
    .argument('<node>')
    .argument('<seconds>')
    .action((node: string, seconds: string, { name }: { name: string }) => {
      if (!/^[+-]?\d+$/.test(seconds)) throw wrongUse(`"${seconds}" are no seconds`, 'such as 3600, or 0 for none');
      setClockOfAny(name, node, Number(seconds));
    });
}

function registerSnapshots(lab: Command): void {
  for (const [command, act, description, done] of [
    ['snapshot', snapshotAny, 'Keep all files of a lab as they are; it stops for some seconds.', 'is kept as'],
    ['restore', restoreAny, 'Turn a lab back to a snapshot.', 'is as it was in'],
  ] as const) {
    lab
      .command(command)
      .description(description)
      .option('--name <name>', 'which lab', DEFAULT_LAB)
      .argument('[snapshot]', 'several are kept side by side', 'default')
      .action(async (as: string, { name }: { name: string }) => {
        await act(name, as);
        print(`lab "${name}" ${done} "${as}"`);
      });
  }
}

/** What a lab starts of this program; not for people. */
function registerInner(lab: Command): void {
  lab.command('_make <dir>', { hidden: true }).action((dir: string) => makeLab(dir, print));
  lab.command('_keep <dir>', { hidden: true }).action((dir: string) => keep(dir));
  lab.command('_supervise <dir>', { hidden: true }).action((dir: string) => supervise(dir));
  lab.command('_balance <routes...>', { hidden: true }).action((routes: string[]) => Promise.race(routes.map(balance)));
}
