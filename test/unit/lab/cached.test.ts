import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cached, once } from '../../../lab/cached.ts';

let shelf: string;
let thing: Cached;
beforeEach(() => {
  shelf = mkdtempSync(join(tmpdir(), 'cached-'));
  thing = { title: 'a thing', folder: join(shelf, 'thing'), lock: join(shelf, 'thing.lock') };
});
afterEach(() => rmSync(shelf, { recursive: true }));

const silent = (): void => undefined;
const put =
  (text: string) =>
  async (making: string): Promise<void> => {
    await pause(5);
    writeFileSync(join(making, 'file'), text);
  };

describe('a thing in the cache', () => {
  it('is made once, also by two at the same time', async () => {
    let made = 0;
    const make = async (making: string): Promise<void> => {
      made++;
      await put('first')(making);
    };
    await Promise.all([once(thing, silent, make), once(thing, silent, make)]);
    await once(thing, silent, make);
    expect(made).toBe(1);
    expect(readFileSync(join(thing.folder, 'file'), 'utf8')).toBe('first');
    expect(readdirSync(shelf)).toEqual(['thing']);
  });

  it('is not there when its making failed, and is made by the next', async () => {
    const broken = async (making: string): Promise<void> => {
      writeFileSync(join(making, 'half'), '');
      throw new Error('no room');
    };
    await expect(once(thing, silent, broken)).rejects.toThrow('no room');
    expect(readdirSync(shelf)).toEqual([]);
    await once(thing, silent, put('whole'));
    expect(readdirSync(thing.folder)).toEqual(['file']);
  });

  it('does not hold what a killed process left half-made', async () => {
    mkdirSync(`${thing.folder}.making`);
    writeFileSync(join(`${thing.folder}.making`, 'half'), '');
    await once(thing, silent, put('whole'));
    expect(readdirSync(thing.folder)).toEqual(['file']);
    expect(existsSync(`${thing.folder}.making`)).toBe(false);
  });
});
