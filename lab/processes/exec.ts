// `reroot lab exec` and `reroot lab clock`: act on a node of a lab.

import { spawn } from 'node:child_process';
import { chmodSync, chownSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrongUse } from '../../src/errors.ts';
import { isRoot, NOBODY } from './identity.ts';
import { placeOf } from './layout.ts';
import { demandLab } from './status.ts';

/** Gives the command's exit code. */
export function execOn(lab: string, node: string, command: readonly string[]): Promise<number> {
  const place = demandNode(lab, node);
  const child = spawn(join(place.bin, 'node-exec'), [node, ...command], { stdio: 'inherit' });
  return new Promise((resolve, reject) =>
    child.on('error', reject).on('close', (code, signal) => resolve(code ?? (signal ? 128 : 1))),
  );
}

/** Makes the node's clock seem off by so many seconds to whoever asks `date` there; 0 sets it right again. */
export function setClock(lab: string, node: string, seconds: number): void {
  const place = demandNode(lab, node);
  const shim = join(place.node(node), 'bin/date');
  if (seconds === 0) {
    rmSync(shim, { force: true });
    return;
  }
  const script = `#!/bin/sh\n# A clock that is off by ${seconds} s.\nPATH=/usr/local/bin:/usr/bin:/bin exec date -d "now + ${seconds} seconds" "$@"\n`;
  writeFileSync(shim, script);
  chmodSync(shim, 0o755);
  if (isRoot()) chownSync(shim, NOBODY, NOBODY);
}

function demandNode(name: string, node: string): ReturnType<typeof placeOf> {
  const { dir, lab } = demandLab(name);
  const names = [...lab.nodes.map((one) => one.name), 'lb'];
  if (!names.includes(node)) throw wrongUse(`lab "${name}" has no node "${node}"`, `it has: ${names.join(', ')}`);
  return placeOf(dir, lab);
}
