// The load as its tests start it and read it.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../../lab/load/failure.ts';
import type { LoadSummary } from '../../lab/load/summary.ts';
import { readLab } from '../../lab/state.ts';
import { command, kubectl, type TestLab } from '../lab/harness.ts';

/** A `lab load` that runs, by its lines. */
export interface Load {
  child: ChildProcess;
  lines: string[];
  /** Resolves at the first line with this text; rejects when the load ends before. */
  line(text: string): Promise<void>;
  tell(text: string): void;
  ended: Promise<{ code: number; summary: LoadSummary; stderr: string }>;
}

/** Starts `lab load` on a lab. */
export function startLoad(lab: TestLab, ...args: string[]): Load {
  const child = spawn(process.execPath, [command, 'lab', 'load', '--name', lab.name, ...args], { stdio: 'pipe' });
  const lines: string[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const closed = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  return {
    child,
    lines,
    async line(text) {
      while (!lines.some((line) => line.includes(text))) {
        if (child.exitCode !== null) throw new Error(`the load ended without ${text}: ${lines.at(-1)} ${stderr}`);
        await sleep(100);
      }
    },
    tell: (text) => void child.stdin.write(`${text}\n`),
    ended: closed.then((code) => {
      const last = lines.at(-1) ?? '';
      if (!last.includes('"event":"summary"')) throw new Error(`no summary: ${last} ${stderr}`);
      return { code, summary: JSON.parse(last) as LoadSummary, stderr };
    }),
  };
}

export const shown = (failures: Failure[]): string[] =>
  failures.map(({ kind, target, class: failureClass, text }) => `${kind} ${target ?? ''} ${failureClass}: ${text}`);

export const pidOf = (lab: TestLab, node: string, component: string): number =>
  Number(readFileSync(lab.file(node, `run/${component}.pid`), 'utf8'));

/** Waits until this control plane's own API server says it is ready, for two minutes at most. */
export async function readyAgain(lab: TestLab, node: string): Promise<void> {
  const address = readLab(lab.dir)?.nodes.find(({ name }) => name === node)?.address;
  const server = `https://${address}:6443`;
  for (let tries = 0; tries < 600; tries++) {
    try {
      if (kubectl(lab, ['--server', server, 'get', '--raw', '/readyz']) === 'ok') return;
    } catch {
      // Not yet.
    }
    await sleep(200);
  }
  throw new Error(`${node}'s API server did not come back`);
}
