// What the lab tests share: reroot run as its user runs it, labs of their own by name, and what lies in their folders.

import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type Finished, type RunOptions, runReroot } from '../../lab/demo/child.ts';
import type { SupervisorEvent } from '../../lab/demo/tally.ts';
import { labDir } from '../../lab/state.ts';
import type { RotationEvent } from '../../src/rotate/events.ts';
import type { RotationRecord } from '../../src/rotate/record-types.ts';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const command = join(root, 'dist', 'reroot.mjs');

export const reroot = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
  runReroot(args, { command, ...options });

export interface TestLab {
  name: string;
  dir: string;
  /** `--config … --kubeconfig …` of this lab. */
  flags: string[];
  /** Runs reroot on this lab. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The same, and fails the test when it does not end with the wanted code. */
  must(args: readonly string[], code?: number, options?: RunOptions): Promise<Finished>;
  /** A file below a node's folder. */
  file(node: string, path: string): string;
  record(node?: string): RotationRecord;
  starts(component: string, since: number): SupervisorEvent[];
  down(): Promise<void>;
}

/** Brings a lab up, or fails with what `lab up` said. One that an earlier run left is taken away first. */
export async function labUp(name: string, args: readonly string[] = []): Promise<TestLab> {
  await reroot(['lab', 'down', '--name', name]);
  const up = await reroot(['lab', 'up', '--kind', 'processes', '--name', name, ...args]);
  expect(up.code, `lab up: ${up.stdout}\n${up.stderr}`).toBe(0);
  return labAt(name);
}

export function labAt(name: string): TestLab {
  const dir = labDir(name);
  const flags = ['--config', join(dir, 'reroot.yaml'), '--kubeconfig', join(dir, 'kubeconfig')];
  const file = (node: string, path: string): string => join(dir, 'nodes', node, path);
  const run = (parts: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    reroot([...parts, ...flags], options);
  return {
    name,
    dir,
    flags,
    file,
    run,
    async must(parts, code = 0, options = {}) {
      const done = await run(parts, options);
      expect(done.code, `reroot ${parts.join(' ')}\n${done.stdout.slice(-4000)}\n${done.stderr.slice(-4000)}`).toBe(
        code,
      );
      return done;
    },
    record: (node = 'cp1') =>
      JSON.parse(readFileSync(file(node, 'etc/kubernetes/pki/reroot/record.json'), 'utf8')) as RotationRecord,
    starts: (component, since) =>
      readFileSync(join(dir, 'events.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as SupervisorEvent)
        .filter((event) => event.ev === 'start' && event.component === component && event.t >= since),
    async down() {
      const done = await reroot(['lab', 'down', '--name', name]);
      expect(done.code, done.stderr).toBe(0);
      expect(existsSync(dir)).toBe(false);
    },
  };
}

/** kubectl of the lab, with its kubeconfig or another; returns standard output, throws with standard error. */
export function kubectl(
  lab: Pick<TestLab, 'dir'>,
  args: readonly string[],
  kubeconfig = join(lab.dir, 'kubeconfig'),
): string {
  return execFileSync(join(lab.dir, 'bin', 'kubectl'), ['--kubeconfig', kubeconfig, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs reroot again and again, and kills each after `from` to `from + within` milliseconds, as a machine that loses power would. */
export async function killedOften(
  lab: Pick<TestLab, 'run'>,
  args: readonly string[],
  { times, from, within, onEvent }: { times: number; from: number; within: number } & Pick<RunOptions, 'onEvent'>,
): Promise<void> {
  for (let kill = 0; kill < times; kill += 1)
    await lab.run(args, { ...(onEvent ? { onEvent } : {}), onStart: killAfter(from + Math.random() * within) });
}

/** Runs reroot until it tells this event, and kills it there. Fails the test when that never comes. */
export async function killedAt(
  lab: Pick<TestLab, 'run'>,
  args: readonly string[],
  isThere: (event: RotationEvent) => boolean,
  onEvent: (event: RotationEvent) => void,
): Promise<void> {
  let child: ChildProcess | undefined;
  let wasThere = false;
  await lab.run(args, {
    onStart: (started) => {
      child = started;
    },
    onEvent: (event) => {
      onEvent(event);
      if (!wasThere && isThere(event)) wasThere = child?.kill('SIGKILL') === true;
    },
  });
  expect(wasThere, 'it was killed where it was to be').toBe(true);
}

const killAfter =
  (milliseconds: number) =>
  (child: ChildProcess): void => {
    const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
    child.once('exit', () => clearTimeout(timer));
  };
