// A node that is a folder of this machine, and ways to make it go wrong for real.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import type { NodeAccess } from '../../../src/nodes/access.ts';
import { localAccess } from '../../../src/nodes/local.ts';

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'reroot-test-'));
  made.push(dir);
  return dir;
}

export function put(path: string, content: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
  return path;
}

export const node = (name = 'cp1'): NodeAccess => localAccess(name);

/** Every command runs with a limit on the size of a file (512-byte blocks in POSIX, 1024 in some shells). */
export function withFileSizeLimit(blocks: number, name = 'cp1'): NodeAccess {
  const access = node(name);
  return {
    node: access.node,
    run: (argv, options) => access.run(['sh', '-c', `ulimit -f ${blocks}; exec "$@"`, 'limited', ...argv], options),
  };
}
