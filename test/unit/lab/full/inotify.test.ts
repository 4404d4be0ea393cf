import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lowerInotify, raiseInotify } from '../../../../lab/full/inotify.ts';

let dir: string;
let places: { limit: string; earlier: string; proc: string };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reroot-inotify-'));
  places = { limit: join(dir, 'limit'), earlier: join(dir, 'earlier.json'), proc: join(dir, 'proc') };
  mkdirSync(join(places.proc, '1/fd'), { recursive: true });
  for (let fd = 0; fd < 9; fd += 1) symlinkSync('anon_inode:inotify', join(places.proc, '1/fd', String(fd)));
  writeFileSync(places.limit, '128\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const limit = (): number => Number(readFileSync(places.limit, 'utf8'));

describe('the limit of inotify instances', () => {
  test('is left alone where it is enough for what runs and the lab', () => {
    raiseInotify(3, () => expect.unreachable(), places);
    expect(limit()).toBe(128);
    expect(existsSync(places.earlier)).toBe(false);
  });

  test('is raised where it is not, said, and put back once no lab is left', () => {
    const said: string[] = [];
    raiseInotify(4, (line) => void said.push(line), places);
    expect(limit()).toBe(1024);
    expect(said.join()).toMatch(/from 128 to 1024/);
    lowerInotify(places, () => true);
    expect(limit()).toBe(1024);
    lowerInotify(places, () => false);
    expect(limit()).toBe(128);
    expect(existsSync(places.earlier)).toBe(false);
  });

  test('is raised once more for a lab beside another, and goes back to what it was before the first', () => {
    raiseInotify(4, () => undefined, places);
    raiseInotify(40, () => undefined, places);
    expect(limit()).toBeGreaterThan(1024);
    lowerInotify(places, () => false);
    expect(limit()).toBe(128);
  });

  test('stays what somebody else has made of it since', () => {
    raiseInotify(4, () => undefined, places);
    writeFileSync(places.limit, '4096');
    lowerInotify(places, () => false);
    expect(limit()).toBe(4096);
  });

  test('that cannot be raised: an error with the command, and nothing is left', () => {
    rmSync(places.earlier, { force: true });
    const blocked = { ...places, earlier: join(dir, 'no/such/folder.json') };
    expect(() => raiseInotify(4, () => undefined, blocked)).toThrow(/allows 128, and the limit cannot be raised/);
    expect(limit()).toBe(128);
  });
});
