// `reroot lab up --kind full`: checks, gets the parts, makes the nodes, and the cluster of them.

import { setMaxListeners } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { wrongUse } from '../../src/errors.ts';
import { interruptible } from '../interrupt.ts';
import { withLock } from '../lock.ts';
import { digestOf, type GivenCAs, otherCAs } from '../processes/given-cas.ts';
import { isUp } from '../processes/health.ts';
import { busy, labLock } from '../processes/lab-lock.ts';
import { chooseNetwork } from '../processes/network.ts';
import { bundledCommand } from '../program.ts';
import { removeAny } from '../remove.ts';
import { type LabFile, labDir, labsFolder, readLabOrNone, writeLab } from '../state.ts';
import { kubeVersion } from '../versions.ts';
import { installHostPackages } from './artifacts/host-packages.ts';
import { demandRights } from './artifacts/preflight.ts';
import { type FullPlan, planFull, runFull } from './artifacts/prepare.ts';
import { makeCluster } from './cluster.ts';
import { writeFullConfig } from './config.ts';
import { fillContainerd } from './containerd.ts';
import { takeFullKeysAway } from './external-ca.ts';
import { fullHealthOf } from './health.ts';
import { raiseInotify } from './inotify.ts';
import { awaitKeeper, keeperOf, startKeeper } from './keeper.ts';
import type { KubeletSettings } from './kubeadm.ts';
import { mountBounded } from './mounts.ts';
import { makeHub } from './network.ts';
import { startNode } from './node.ts';
import { layerOf, writeNodeFiles } from './node-files.ts';
import type { FullParts } from './parts.ts';
import { API_PORT, type FullPlace, fullNodesOf, fullPlaceOf, outsideAddress } from './place.ts';
import { demandFullRoom, demandNamespaces, demandPlainFolder } from './preflight.ts';
import { makeHostKey, makeUserKey, writeSshConfig } from './ssh.ts';

export interface FullOptions {
  name: string;
  kubernetes: string;
  controlPlanes: number;
  workers: number;
  network?: string;
  givenCAs?: GivenCAs;
  withoutCAKey: boolean;
  /** Fields of every kubelet's configuration, and of single nodes' beside them. */
  kubelet?: KubeletSettings;
  kubeletOf?: Readonly<Record<string, KubeletSettings>>;
  say: (line: string) => void;
}

/** A node's writable layer, and a member's data: full when that much is in them. */
const LAYER = '1g';
const ETCD = '1g';

/** Makes the lab, or says that it is up. What an earlier `up` left half-made is taken away first. */
export async function upFull(options: FullOptions): Promise<LabFile> {
  const version = kubeVersion(options.kubernetes);
  const dir = labDir(options.name);
  demandPlainFolder(dir);
  demandRights();
  return withLock(labLock(options.name), { taken: busy(options.name) }, async () => {
    const standing = await standingLab(dir, options);
    if (standing) return standing;
    const plan = planFull(version);
    await removeAny(dir);
    demandFullRoom(labsFolder(), options.controlPlanes, options.workers);
    await networkFor(options);
    await installHostPackages(options.say);
    await demandNamespaces();
    raiseInotify(options.controlPlanes + options.workers, options.say);
    return interruptible(
      (signal) => make(dir, plan, options, signal),
      async () => ((await removeAny(dir)) ? `what was made of lab "${options.name}" is gone` : 'nothing was made'),
    );
  });
}

const networkFor = ({ name, controlPlanes, network }: FullOptions): Promise<string> =>
  chooseNetwork({
    name,
    controlPlanes,
    ...(network === undefined ? {} : { network }),
    endpoints: (of) => [{ host: outsideAddress(of), port: API_PORT }],
  });

async function make(dir: string, plan: FullPlan, options: FullOptions, signal: AbortSignal): Promise<LabFile> {
  setMaxListeners(0, signal); // every command of every node listens
  const { say } = options;
  const parts = await runFull(plan, say, signal);
  const lab = makeFolder(dir, parts, await networkFor(options), options);
  const place = fullPlaceOf(dir, lab);
  const { nodes } = lab;
  say(`${nodes.length} nodes: ${nodes.map(({ name }) => name).join(', ')}`);
  await makeUserKey(place, signal);
  await makeHub(place, signal);
  await Promise.all(nodes.map(({ name }) => makeNodeFolder(place, name, parts, signal)));
  await Promise.all(nodes.map((node) => makeHostKey(place, node, signal)));
  for (const node of nodes) writeNodeFiles(place, node);
  writeSshConfig(place, parts.rootfs);
  writeFullConfig(place);
  startKeeper(place);
  await Promise.all([...nodes.map((node) => startNode(place, node, parts.rootfs, signal)), awaitKeeper(place, signal)]);
  const { kubelet = {}, kubeletOf = {}, givenCAs } = options;
  await makeCluster(place, { kubelet, kubeletOf, ...(givenCAs ? { givenCAs } : {}) }, say, signal);
  if (options.withoutCAKey) {
    say('the CA keys go off the nodes');
    await takeFullKeysAway(place, signal);
  }
  const made: LabFile = { ...lab, phase: 'up' };
  writeLab(dir, made);
  return made;
}

async function standingLab(dir: string, options: FullOptions): Promise<LabFile | undefined> {
  const { name, kubernetes, controlPlanes, workers, say } = options;
  const lab = existsSync(dir) ? readLabOrNone(dir) : undefined;
  if (lab?.phase !== 'up') return undefined;
  const hint = `reroot lab down --name ${name}, or another --name`;
  if (lab.kind !== 'full') throw wrongUse(`lab "${name}" is up, of kind ${lab.kind}`, hint);
  const place = fullPlaceOf(dir, lab);
  if (keeperOf(place) === undefined || !isUp(await fullHealthOf(place))) {
    say(`lab "${name}" was not whole: it is made anew`);
    return undefined;
  }
  const [planes, others] = [place.planes.length, place.workers.length];
  if (lab.kubernetes !== kubernetes || planes !== controlPlanes || others !== workers)
    throw wrongUse(
      `lab "${name}" is up with Kubernetes ${lab.kubernetes}, ${planes} control plane(s) and ${others} worker(s), not what is asked for`,
      hint,
    );
  const differs = otherCAs(lab, options);
  if (differs) throw wrongUse(`lab "${name}" is up ${differs}`, hint);
  say(`lab "${name}" is up already`);
  return lab;
}

function makeFolder(dir: string, parts: FullParts, network: string, options: FullOptions): LabFile {
  mkdirSync(dirname(dir), { recursive: true });
  mkdirSync(dir, { mode: 0o700 });
  for (const folder of ['bin', 'run', 'nodes']) mkdirSync(join(dir, folder));
  symlinkSync(parts.program, join(dir, 'bin/kubectl'));
  const script = join(dir, 'bin/reroot.mjs');
  copyFileSync(bundledCommand(), script);
  chmodSync(script, 0o755);
  const lab: LabFile = {
    name: options.name,
    kind: 'full',
    kubernetes: options.kubernetes,
    network,
    ...fullNodesOf(network, options.controlPlanes, options.workers),
    hostNames: true,
    parts,
    ...(options.givenCAs ? { givenCAs: digestOf(options.givenCAs) } : {}),
    ...(options.withoutCAKey ? { withoutCAKey: true } : {}),
    phase: 'making',
    program: { node: process.execPath, script },
  };
  writeLab(dir, lab);
  return lab;
}

async function makeNodeFolder(place: FullPlace, name: string, parts: FullParts, signal: AbortSignal): Promise<void> {
  const plane = place.planes.some((one) => one.name === name);
  for (const folder of ['layer', 'kubelet', ...(plane ? ['etcd'] : [])])
    mkdirSync(place.node(name, folder), { recursive: true });
  await mountBounded(place, place.node(name, 'layer'), LAYER, signal);
  if (plane) await mountBounded(place, place.node(name, 'etcd'), ETCD, signal);
  mkdirSync(layerOf(place, name));
  chmodSync(layerOf(place, name), 0o755);
  mkdirSync(place.node(name, 'layer/work'));
  await fillContainerd(place, name, parts, signal);
}
