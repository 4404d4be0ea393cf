// `reroot lab up`: checks, builds, makes the folder, and lets the lab's own user make the rest.

import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, failedSafe, RerootError, wrongUse } from '../../src/errors.ts';
import { type Build, planBuild, runBuild } from '../build.ts';
import { interruptible } from '../interrupt.ts';
import { withLock } from '../lock.ts';
import { bundledCommand } from '../program.ts';
import { removeAny } from '../remove.ts';
import { type LabFile, labDir, labsFolder, readLabOrNone, writeLab } from '../state.ts';
import { kubeVersion } from '../versions.ts';
import { digestOf, type GivenCAs, otherCAs, placeGivenCAs } from './given-cas.ts';
import { healthOf, isUp } from './health.ts';
import { asLabUser, hostNamesAllowed, isRoot, labUserCan, NOBODY } from './identity.ts';
import { busy, labLock } from './lab-lock.ts';
import { nodesOf, placeOf } from './layout.ts';
import type { Say } from './make.ts';
import { chooseNetwork } from './network.ts';
import { demandLinux, demandRoom } from './preflight.ts';
import { labEnvironment } from './run.ts';
import { supervisorOf } from './supervisor-process.ts';

export interface UpOptions {
  name: string;
  kubernetes: string;
  controlPlanes: number;
  network?: string;
  /** CAs in place of kubeadm's own. */
  givenCAs?: GivenCAs;
  /** Take the CA keys off the control planes once the lab is made. */
  withoutCAKey: boolean;
  say: Say;
}

const PROGRAMS = [
  ...['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubeadm', 'kubectl'],
  ...['webhook', 'sample-apiserver'],
];

/** Makes the lab, or says that it is up. What an earlier `up` left half-made is taken away first. */
export async function up(options: UpOptions): Promise<LabFile> {
  demandLinux();
  const version = kubeVersion(options.kubernetes);
  const dir = labDir(options.name);
  return withLock(labLock(options.name), { taken: busy(options.name) }, async () => {
    const standing = await standingLab(dir, options);
    if (standing) return standing;
    const build = planBuild(version);
    await removeAny(dir);
    demandRoom(labsFolder(), options.controlPlanes);
    await chooseNetwork(options);
    return interruptible(
      (signal) => make(dir, build, options, signal),
      async () => ((await removeAny(dir)) ? `what was made of lab "${options.name}" is gone` : 'nothing was made'),
    );
  });
}

async function make(dir: string, build: Build, options: UpOptions, signal: AbortSignal): Promise<LabFile> {
  const program = await runBuild(build, options.say, signal);
  // Again: a build takes minutes, in which others may have come.
  const network = await chooseNetwork(options);
  const lab = makeFolder(dir, program, network, options);
  await makeAsLabUser(dir, lab, options.say, signal);
  writeLab(dir, { ...lab, phase: 'up' });
  return lab;
}

async function standingLab(dir: string, options: UpOptions): Promise<LabFile | undefined> {
  const { name, kubernetes, controlPlanes, say } = options;
  const lab = existsSync(dir) ? readLabOrNone(dir) : undefined;
  if (lab?.phase !== 'up') return undefined;
  if (lab.kind !== 'processes')
    throw wrongUse(`lab "${name}" is up, of kind ${lab.kind}`, `reroot lab down --name ${name}, or another --name`);
  const planes = lab.nodes.filter(({ controlPlane }) => controlPlane).length;
  if (supervisorOf(dir) === undefined || !isUp(await healthOf(placeOf(dir, lab)))) {
    say(`lab "${name}" was not whole: it is made anew`);
    return undefined;
  }
  if (lab.kubernetes !== kubernetes || planes !== controlPlanes) {
    throw wrongUse(
      `lab "${name}" is up with Kubernetes ${lab.kubernetes} and ${planes} control plane(s), not what is asked for`,
      `reroot lab down --name ${name}, or another --name`,
    );
  }
  const differs = otherCAs(lab, options);
  if (differs) throw wrongUse(`lab "${name}" is up ${differs}`, `reroot lab down --name ${name}, or another --name`);
  say(`lab "${name}" is up already`);
  return lab;
}

function makeFolder(dir: string, program: string, network: string, options: UpOptions): LabFile {
  mkdirSync(dirname(dir), { recursive: true });
  demandReachable(dirname(dir));
  mkdirSync(dir, { mode: 0o700 });
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  linkOrCopy(program, join(bin, 'kube'));
  for (const name of PROGRAMS) symlinkSync('kube', join(bin, name));
  const script = join(bin, 'reroot.mjs');
  copyFileSync(bundledCommand(), script);
  chmodSync(script, 0o755);
  const lab: LabFile = {
    name: options.name,
    kind: 'processes',
    kubernetes: options.kubernetes,
    network,
    ...nodesOf(network, options.controlPlanes),
    hostNames: hostNamesAllowed(),
    ...(options.givenCAs ? { givenCAs: digestOf(options.givenCAs) } : {}),
    ...(options.withoutCAKey ? { withoutCAKey: true } : {}),
    phase: 'making',
    program: { node: nodeFor(bin), script },
  };
  writeLab(dir, lab);
  if (!lab.hostNames)
    options.say('this machine forbids user namespaces: all control planes have one host name, and Leases look alike');
  if (isRoot()) {
    for (const path of [dir, bin, join(dir, 'lab.json')]) chownSync(path, NOBODY, NOBODY);
  }
  if (options.givenCAs) placeGivenCAs(dir, options.givenCAs);
  return lab;
}

/** Root's own folders are closed to the user as whom the lab runs. */
function demandReachable(labs: string): void {
  if (!isRoot() || labUserCan(['test', '-x', labs])) return;
  throw new RerootError(EXIT.checkFailed, `user ${NOBODY}, as whom the lab runs, cannot get into ${labs}`, {
    hints: ['set REROOT_LABS to a folder that everyone can enter, such as /var/lib/reroot/labs'],
  });
}

/** One file for all labs of a version, and for its pages in memory. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
    chmodSync(to, 0o755);
  }
}

/** This Node, or a copy in the lab when it lies where the lab's user cannot go (root's home). */
function nodeFor(bin: string): string {
  if (labUserCan([process.execPath, '-e', '0'])) return process.execPath;
  const copy = join(bin, 'node');
  copyFileSync(process.execPath, copy);
  chmodSync(copy, 0o755);
  return copy;
}

async function makeAsLabUser(dir: string, lab: LabFile, say: Say, signal: AbortSignal): Promise<void> {
  const { node, script } = lab.program;
  const [command = '', ...args] = [...asLabUser(), node, script, 'lab', '_make', dir];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: dir,
    signal,
    env: { ...labEnvironment({ dir, bin: join(dir, 'bin') }), ...(process.env.NO_COLOR ? { NO_COLOR: '1' } : {}) },
  });
  child.stdout.on('data', (chunk) => {
    for (const line of String(chunk).split('\n')) if (line) say(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code === 0) return;
  throw failedSafe(
    `lab "${lab.name}" could not be made`,
    undefined,
    `look around in ${dir}/nodes/*/log, then: reroot lab down --name ${lab.name}`,
  );
}
