// The cgroups of a lab's nodes: how they are made, who is in them, and how they go. cgroup v1 (any set of hierarchies) and v2.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { failedSafe } from '../../src/errors.ts';

export interface Hierarchy {
  /** Where this machine has it: `/sys/fs/cgroup/memory`. */
  at: string;
  /** Where a node has it, below its /sys/fs/cgroup; empty where that is the hierarchy itself (v2 alone). */
  name: string;
  type: 'cgroup' | 'cgroup2';
  /** Mount options that pick it (v1): `cpu,cpuacct`, `none,name=systemd`. */
  options: string;
}

const NOT_CONTROLLERS = new Set(['rw', 'ro', 'xattr', 'clone_children', 'noprefix', 'release_agent']);

/** From /proc/self/mountinfo. */
export function hierarchies(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): Hierarchy[] {
  const found = mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , at = ''] = before.split(' ');
    const [type = '', , superOptions = ''] = after.split(' ');
    const inPlace = at === '/sys/fs/cgroup' || at.startsWith('/sys/fs/cgroup/');
    if (!inPlace || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    const name = at.slice('/sys/fs/cgroup/'.length);
    return [{ at, name, type, options: type === 'cgroup' ? controllersOf(superOptions) : '' }];
  });
  return found.filter(({ at }, i) => found.findIndex((other) => other.at === at) === i);
}

function controllersOf(superOptions: string): string {
  const kept = superOptions.split(',').filter((option) => !NOT_CONTROLLERS.has(option.split('=')[0] ?? ''));
  return kept.some((option) => option.startsWith('name=')) ? ['none', ...kept].join(',') : kept.join(',');
}

export const isUnified = (all: readonly Hierarchy[]): boolean => all.every(({ type }) => type === 'cgroup2');

/** Makes SCOPE/NODE in every hierarchy. */
export function makeCgroups(scope: string, node: string, all = hierarchies()): void {
  for (const hierarchy of all) {
    let folder = hierarchy.at;
    for (const name of [scope, node]) {
      delegate(folder, hierarchy);
      const made = join(folder, name);
      mkdirSync(made, { recursive: true });
      inheritCpus(folder, made);
      folder = made;
    }
  }
}

/** v2: a group has the controllers that the one above it hands down (cgroup-v2.rst, "Enabling and Disabling"). */
function delegate(folder: string, { type, name }: Hierarchy): void {
  if (type !== 'cgroup2' || name !== '') return;
  const there = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ').filter(Boolean);
  const given = readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  const missing = there.filter((controller) => !given.includes(controller));
  if (missing.length > 0)
    writeFileSync(join(folder, 'cgroup.subtree_control'), missing.map((controller) => `+${controller}`).join(' '));
}

/** v1: a new cpuset is empty, and nothing can join it. */
function inheritCpus(from: string, to: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const path = join(to, file);
    if (!existsSync(path) || existsSync(join(to, 'cgroup.subtree_control'))) continue;
    if (readFileSync(path, 'utf8').trim() === '') writeFileSync(path, readFileSync(join(from, file), 'utf8').trim());
  }
}

const foldersOf = (scope: string): string[] =>
  hierarchies()
    .map(({ at }) => join(at, scope))
    .filter(existsSync);

export const hasCgroups = (scope: string): boolean => foldersOf(scope).length > 0;

/** Whether any full lab's are there (`scopeOf` gives their names). */
export const anyCgroups = (): boolean =>
  hierarchies().some(({ at }) => readdirSync(at).some((name) => /^reroot-.+-[0-9a-f]{6}$/.test(name)));

/** Deepest first. */
function tree(folder: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
  return [...names.flatMap((name) => tree(join(folder, name))), folder];
}

/** Everyone in the lab's cgroups, or in one node's. Processes of namespaces that this one cannot see are 0 there. */
export function processesIn(scope: string, node = ''): number[] {
  const all = new Set<number>();
  for (const folder of foldersOf(scope).flatMap((top) => tree(join(top, node)))) {
    for (const line of readOr(join(folder, 'cgroup.procs')).split('\n')) if (Number(line) > 0) all.add(Number(line));
  }
  return [...all];
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const PATIENCE_MS = 10_000;

/** A group whose last process has just ended stays busy for a moment. */
export async function removeCgroups(scope: string, node = ''): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const left = foldersOf(scope).flatMap((top) => tree(join(top, node)));
    if (left.length === 0) return;
    for (const folder of left) removeOne(folder);
    const still = foldersOf(scope).flatMap((top) => tree(join(top, node)));
    if (still.length === 0) return;
    if (Date.now() > until) throw failedSafe(`cgroups of the lab do not go: ${still[0]}`);
    await pause(50);
  }
}

function removeOne(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Busy, or gone by itself: looked at again.
  }
}
