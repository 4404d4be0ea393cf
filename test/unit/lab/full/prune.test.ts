import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allMounts, prune } from '../../../../lab/full/artifacts/prune.ts';

let shelf: string;
beforeEach(() => {
  shelf = mkdtempSync(join(tmpdir(), 'shelf-'));
});
afterEach(() => rmSync(shelf, { recursive: true }));

const DAY_S = 86_400;
function part(name: string, days: number): string {
  const folder = join(shelf, name);
  mkdirSync(join(folder, 'root'), { recursive: true });
  writeFileSync(join(folder, 'root/file'), '');
  const then = Date.now() / 1000 - days * DAY_S;
  utimesSync(folder, then, then);
  return folder;
}
const used = (folder: string) => [{ title: '', folder, lock: '' }];

describe('old parts', () => {
  it('go, but what is used, young, mounted or in the making stays', () => {
    const [mine, old, young, mounted, making] = [
      part('mine', 30),
      part('old', 4),
      part('young', 2),
      part('mounted', 9),
      part('other.making', 1),
    ];
    const mounts = `36 35 0:31 / /n rw - overlay lab rw,lowerdir=${mounted}/root,upperdir=/u\n`;
    expect(prune(used(mine), () => mounts)).toEqual([old]);
    expect([mine, young, mounted, making].map((path) => existsSync(path))).toEqual([true, true, true, true]);
    expect(existsSync(old)).toBe(false);
  });

  it('are not mistaken for others whose names begin alike', () => {
    const [mine, old] = [part('mine', 0), part('1.36.3-a', 4)];
    expect(prune(used(mine), () => `lowerdir=${old}b/root`)).toEqual([old]);
  });

  it('are looked for in the mounts of all processes', () => {
    expect(allMounts()).toContain(' - ');
  });
});
