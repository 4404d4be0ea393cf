// `reroot lab exec` and `reroot lab clock` on a full lab.

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { wrongUse } from '../../src/errors.ts';
import type { LabFile } from '../state.ts';
import { fullEnvironment } from './command.ts';
import { fileOn, onNode } from './node.ts';
import { type FullPlace, fullPlaceOf } from './place.ts';

/** As root on the node, in its namespaces; `lb` is the hub's network. Gives the command's exit code. */
export function execOnFull(dir: string, lab: LabFile, node: string, command: readonly string[]): Promise<number> {
  const place = demandFullNode(dir, lab, node, ['lb']);
  const way = node === 'lb' ? ['nsenter', `--net=${place.netns()}`, '--'] : onNode(place, node);
  const [program = '', ...args] = [...way, ...command];
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...fullEnvironment(dir) } });
  return new Promise((resolve, reject) =>
    child.on('error', reject).on('close', (code, signal) => resolve(code ?? (signal ? 128 : 1))),
  );
}

/** Makes the node's clock seem off by so many seconds to whoever asks `date` there, over ssh too; 0 sets it right again. */
export function setClockFull(dir: string, lab: LabFile, node: string, seconds: number): void {
  const place = demandFullNode(dir, lab, node);
  mkdirSync(fileOn(place, node, '/usr/local/bin'), { recursive: true });
  const shim = fileOn(place, node, '/usr/local/bin/date');
  if (seconds === 0) {
    rmSync(shim, { force: true });
    return;
  }
  const script = `#!/bin/sh\n# A clock that is off by ${seconds} s.\nexec /usr/bin/date -d "now + ${seconds} seconds" "$@"\n`;
  writeFileSync(shim, script);
  chmodSync(shim, 0o755);
}

function demandFullNode(dir: string, lab: LabFile, node: string, others: readonly string[] = []): FullPlace {
  const names = [...lab.nodes.map(({ name }) => name), ...others];
  if (!names.includes(node)) throw wrongUse(`lab "${lab.name}" has no node "${node}"`, `it has: ${names.join(', ')}`);
  return fullPlaceOf(dir, lab);
}
