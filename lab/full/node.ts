// One node: starts it, ends it, runs commands in it.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { failedSafe } from '../../src/errors.ts';
import { markOf, type ProcessMark, sameProcess } from '../proc.ts';
import type { LabNode } from '../state.ts';
import { bootOf } from './boot-script.ts';
import { hierarchies, makeCgroups, processesIn, removeCgroups } from './cgroups.ts';
import { type CommandOptions, command, fullEnvironment, PATH } from './command.ts';
import { plugIn, unplug } from './network.ts';
import type { FullPlace } from './place.ts';

const markFile = (place: FullPlace, node: string): string => place.run(`${node}.json`);
const START_MS = 60_000;

/** Starts the node as if it was switched on, and waits until its containerd and sshd take connections. */
export async function startNode(place: FullPlace, node: LabNode, rootfs: string, signal?: AbortSignal): Promise<void> {
  const all = hierarchies();
  makeCgroups(place.scope, node.name, all);
  await plugIn(place, node, signal);
  mkdirSync(place.node(node.name, 'root'), { recursive: true });
  const { outer, inner } = bootOf(place, node.name, rootfs, all);
  const log = openSync(place.run(`${node.name}.log`), 'a', 0o600);
  const child = spawn('sh', ['-c', outer, 'boot', inner], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: fullEnvironment(place.dir),
  });
  closeSync(log);
  const ended = endOf(child);
  child.unref();
  const first = await firstProcess(place, node.name, child, ended, signal);
  writeFileSync(markFile(place, node.name), JSON.stringify(first));
  await awaitServices(place, node.name, first, signal);
}

const endOf = (child: ChildProcess): { code?: number | null } => {
  const end: { code?: number | null } = {};
  child.once('error', () => {
    end.code = null;
  });
  child.once('exit', (code) => {
    end.code = code;
  });
  return end;
};

/** The only child of the process that was started, once that has made its namespaces. */
async function firstProcess(
  place: FullPlace,
  node: string,
  { pid }: ChildProcess,
  end: { code?: number | null },
  signal?: AbortSignal,
): Promise<ProcessMark> {
  for (;;) {
    if (end.code !== undefined || pid === undefined) throw didNotStart(place, node);
    for (const other of processesIn(place.scope, node)) {
      const mark = parentOf(other) === pid ? markOf(other) : undefined;
      if (mark && commandOf(other).startsWith('/sbin/init')) return mark;
    }
    await pause(50, undefined, signal ? { signal } : {});
  }
}

function parentOf(pid: number): number | undefined {
  return Number(/^PPid:\s+(\d+)$/m.exec(fileOr(`/proc/${pid}/status`))?.[1]);
}

const commandOf = (pid: number): string => fileOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

function fileOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function awaitServices(place: FullPlace, node: string, first: ProcessMark, signal?: AbortSignal): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    if (!sameProcess(first)) throw didNotStart(place, node);
    const root = `/proc/${first.pid}/root`;
    if (existsSync(`${root}/run/containerd/containerd.sock`) && existsSync(`${root}/run/sshd.pid`)) return;
    if (Date.now() > until)
      throw failedSafe(
        `node ${node} has no containerd or no sshd after ${START_MS / 1000} s`,
        undefined,
        `reroot lab exec --name ${place.lab.name} ${node} -- systemctl status containerd ssh`,
      );
    await pause(100, undefined, signal ? { signal } : {});
  }
}

const didNotStart = (place: FullPlace, node: string): Error => {
  const tail = fileOr(place.run(`${node}.log`))
    .trim()
    .split('\n')
    .slice(-3)
    .join('\n  ');
  return failedSafe(`node ${node} did not start:\n  ${tail}`, undefined, `see ${place.run(`${node}.log`)}`);
};

/** The node's first process; undefined where it does not run. */
export function firstOf(place: FullPlace, node: string): number | undefined {
  try {
    const mark = JSON.parse(readFileSync(markFile(place, node), 'utf8')) as ProcessMark;
    return sameProcess(mark) ? mark.pid : undefined;
  } catch {
    return undefined;
  }
}

/** As if its power was cut: what was written is there, what ran is gone. Its network and its cgroups go as well. */
export async function cutPower(place: FullPlace, node: string): Promise<void> {
  await endAll(() => processesIn(place.scope, node));
  rmSync(markFile(place, node), { force: true });
  await unplug(place, node);
  await removeCgroups(place.scope, node);
}

const PATIENCE_MS = 20_000;

/** Kills until nobody is left: a start may be on its way. Waits as long as they get fewer. Gives how many there were. */
export async function endAll(living: () => number[]): Promise<number> {
  const seen = new Set<number>();
  let fewest = Number.POSITIVE_INFINITY;
  let since = 0;
  for (let left = living(); left.length > 0; left = living()) {
    if (left.length < fewest) {
      fewest = left.length;
      since = Date.now();
    } else if (Date.now() - since > PATIENCE_MS) {
      throw failedSafe(`processes of the lab do not end: ${left.slice(0, 10).join(', ')}`);
    }
    for (const pid of left) {
      seen.add(pid);
      kill(pid);
    }
    await pause(50);
  }
  return seen.size;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself in between.
  }
}

/** The words before a command so that it runs on the node, as root there. */
export function onNode(place: FullPlace, node: string): string[] {
  const first = firstOf(place, node);
  if (first === undefined)
    throw failedSafe(
      `node ${node} of lab "${place.lab.name}" does not run`,
      undefined,
      `reroot lab status --name ${place.lab.name}`,
    );
  return [
    ...['nsenter', '--target', String(first), '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--'],
    ...['env', '-i', 'HOME=/root', 'LANG=C.UTF-8', `PATH=${PATH}`, `TERM=${process.env.TERM ?? 'dumb'}`],
  ];
}

/** Runs it there to its end; gives standard output. */
export const runOn = (
  place: FullPlace,
  node: string,
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> =>
  command(place, [...onNode(place, node), ...argv], { as: `${argv.slice(0, 2).join(' ')} on ${node}`, ...options });

/** A path of the node's as the host sees it while the node runs. */
export function fileOn(place: FullPlace, node: string, path: string): string {
  const first = firstOf(place, node);
  if (first === undefined) throw failedSafe(`node ${node} of lab "${place.lab.name}" does not run`);
  return `/proc/${first}/root${path}`;
}
