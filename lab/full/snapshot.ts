// `reroot lab snapshot` and `restore` on a full lab: what is on the nodes' disks, as it is when their power is cut.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { wrongUse } from '../../src/errors.ts';
import { withLock } from '../lock.ts';
import { busy, labLock } from '../processes/lab-lock.ts';
import { type LabFile, labDir, readLab } from '../state.ts';
import { command } from './command.ts';
import { fillContainerd } from './containerd.ts';
import { awaitReturn } from './health.ts';
import { cutPower, startNode } from './node.ts';
import { layerOf } from './node-files.ts';
import type { FullParts } from './parts.ts';
import { type FullPlace, fullPlaceOf } from './place.ts';

/** Of a node's folder. Not containerd's: containers begin anew after a power cut, and images do not change. */
const DISKS = ['layer/upper', 'etcd', 'kubelet'];
const FILES = ['lab.json', 'kubeconfig', 'reroot.yaml', 'known_hosts'];
const BACK_MS = 300_000;

/** Cuts the power of all nodes, copies their disks, starts them again. One of that name is replaced. */
export const snapshotFull = (dir: string, lab: LabFile, to: string): Promise<void> =>
  whileOff(dir, lab, async (place) => {
    const making = `${to}.making`;
    rmSync(making, { recursive: true, force: true });
    for (const { name } of lab.nodes) {
      const folder = join(making, 'nodes', name);
      mkdirSync(join(folder, 'layer'), { recursive: true, mode: 0o700 });
      for (const disk of disksOf(place, name)) await copy(place, place.node(name, disk), join(folder, disk));
    }
    for (const file of FILES) await copy(place, join(dir, file), join(making, file));
    rmSync(to, { recursive: true, force: true });
    renameSync(making, to);
  });

/** Cuts the power of all nodes, puts the snapshot's disks in place of theirs, starts them again. */
export async function restoreFull(dir: string, lab: LabFile, from: string): Promise<void> {
  await whileOff(dir, lab, async (place) => {
    for (const { name } of lab.nodes) {
      for (const disk of disksOf(place, name)) {
        const own = place.node(name, disk);
        // A mount stays; what is in it goes.
        for (const entry of readdirSync(own)) rmSync(join(own, entry), { recursive: true, force: true });
        await copy(place, join(from, 'nodes', name, disk, '.'), own);
      }
    }
    for (const file of FILES) await copy(place, join(from, file), join(dir, file));
  });
}

const disksOf = (place: FullPlace, node: string): string[] =>
  DISKS.filter((disk) => existsSync(place.node(node, disk)));

/** Owner, mode, times and the overlay's own attributes are kept. */
const copy = (place: FullPlace, from: string, to: string): Promise<string> =>
  command(place, ['cp', '--archive', '--reflink=auto', '--no-target-directory', from, to], { as: `copy of ${from}` });

function whileOff(dir: string, { name }: LabFile, work: (place: FullPlace) => Promise<void>): Promise<void> {
  return withLock(labLock(name), { taken: busy(name) }, async () => {
    const lab = demandUp(name);
    const place = fullPlaceOf(dir, lab);
    const stoppedAt = Date.now();
    await Promise.all(lab.nodes.map((node) => cutPower(place, node.name)));
    try {
      await work(place);
    } finally {
      await switchOn(place, lab.parts);
    }
    await awaitReturn(place, stoppedAt, BACK_MS);
  });
}

function demandUp(name: string): LabFile & { parts: FullParts } {
  const lab = readLab(labDir(name));
  if (lab?.phase !== 'up' || !lab.parts)
    throw wrongUse(`lab "${name}" is not up, but ${lab?.phase ?? 'gone'}`, `reroot lab up --kind full --name ${name}`);
  const lost = lab.nodes.find((node) => !existsSync(layerOf(fullPlaceOf(labDir(name), lab), node.name)));
  if (lost)
    throw wrongUse(
      `the disks of lab "${name}" are gone: they were in memory, and this machine was started anew`,
      `reroot lab up --kind full --name ${name}`,
    );
  return { ...lab, parts: lab.parts };
}

/** All of them at once. What pods had of the nodes' networks is gone with their namespaces, and so are the addresses they held. */
async function switchOn(place: FullPlace, parts: FullParts): Promise<void> {
  await Promise.all(
    place.lab.nodes.map(async (node) => {
      rmSync(place.node(node.name, 'layer/work'), { recursive: true, force: true });
      mkdirSync(place.node(node.name, 'layer/work'));
      rmSync(layerOf(place, node.name, 'var/lib/cni/networks'), { recursive: true, force: true });
      await fillContainerd(place, node.name, parts);
      await startNode(place, node, parts.rootfs);
    }),
  );
}
