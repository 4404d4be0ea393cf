// What the tests on a full lab share: the lab by its commands, its nodes by ssh, and kubectl as its user has it.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Finished, type RunOptions, runReroot } from '../../lab/demo/child.ts';
import { renewOwnKubeconfig } from '../../lab/demo/own-kubeconfig.ts';
import { preflightFull } from '../../lab/full/preflight.ts';
import { nodesOver, type OnNode } from '../../lab/full/workloads/on-node.ts';
import { isRoot } from '../../lab/processes/identity.ts';
import { labDir, readLab } from '../../lab/state.ts';
import { command } from '../lab/harness.ts';

export interface FullLab {
  name: string;
  dir: string;
  nodes: readonly string[];
  controlPlanes: readonly string[];
  address: (node: string) => string;
  /** A shell script on a node, as root; gives its output, throws with what it said. */
  on: OnNode;
  kubectl: (args: readonly string[], stdin?: string) => string;
  /** Runs reroot on this lab. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The same, and fails the test when it does not end with the wanted code. */
  must(args: readonly string[], code?: number, options?: RunOptions): Promise<Finished>;
  /** A certificate from new for the kubeconfig of the lab's user, and both CAs in it. */
  renewOwn(): Promise<void>;
  down(): Promise<void>;
}

const lab = (args: readonly string[]): Promise<Finished> => runReroot(['lab', ...args], { command });

async function done(args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await lab(args);
  expect(code, `reroot lab ${args.join(' ')}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`).toBe(0);
}

export async function fullLabUp(name: string, args: readonly string[] = []): Promise<FullLab> {
  await done(['down', '--name', name]);
  await done(['up', '--kind', 'full', '--name', name, ...args]);
  return fullLabAt(name);
}

export const workloads = (name: string): Promise<void> => done(['workloads', '--name', name]);

export function fullLabAt(name: string): FullLab {
  const dir = labDir(name);
  const file = readLab(dir);
  if (!file) throw new Error(`there is no lab in ${dir}`);
  const kubeconfig = join(dir, 'kubeconfig');
  const flags = ['--config', join(dir, 'reroot.yaml'), '--kubeconfig', kubeconfig];
  const run = (parts: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    runReroot([...parts, ...flags], { command, ...options });
  return {
    name,
    dir,
    nodes: file.nodes.map((node) => node.name),
    controlPlanes: file.nodes.filter(({ controlPlane }) => controlPlane).map((node) => node.name),
    address: (node) => file.nodes.find((one) => one.name === node)?.address ?? '',
    on: nodesOver(join(dir, 'ssh_config')),
    kubectl: (args, stdin) =>
      execFileSync(join(dir, 'bin', 'kubectl'), ['--kubeconfig', kubeconfig, ...args], {
        encoding: 'utf8',
        timeout: 60_000,
        stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        ...(stdin === undefined ? {} : { input: stdin }),
      }),
    run,
    async must(parts, code = 0, options = {}) {
      const ended = await run(parts, options);
      expect(ended.code, `reroot ${parts.join(' ')}\n${ended.stdout.slice(-4000)}\n${ended.stderr.slice(-4000)}`).toBe(
        code,
      );
      return ended;
    },
    renewOwn: () =>
      renewOwnKubeconfig(dir, async (args) => {
        const renewed = await runReroot(args, { command });
        expect(renewed.code, renewed.stderr).toBe(0);
      }),
    down: () => done(['down', '--name', name]),
  };
}

/** A block of tests that need a full lab. Where none can stand it is skipped and says why; with REROOT_REQUIRE_LAB=1 that is an error. */
export async function describeFull(name: string, tests: () => void): Promise<void> {
  const why = isRoot() ? await preflightFull() : 'the full lab needs root';
  if (why !== undefined && process.env.REROOT_REQUIRE_LAB === '1')
    throw new Error(`REROOT_REQUIRE_LAB=1, and no full lab can stand here: ${why}`);
  if (why !== undefined) process.stderr.write(`SKIPPED, no full lab can stand here: ${why}\n`);
  describe.skipIf(why !== undefined)(name, tests);
}
