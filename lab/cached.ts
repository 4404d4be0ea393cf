// Things that are made once and kept: a folder in the cache appears whole or not at all.

import { existsSync, mkdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { withLock } from './lock.ts';

export interface Cached {
  /** For the line that says who makes it already. */
  title: string;
  /** Its name holds a digest of everything that decides what is in it. */
  folder: string;
  /** Held while it is made. */
  lock: string;
}

export const isCached = ({ folder }: Cached): boolean => existsSync(folder);

/**
 * Makes the folder unless it is there. `make` fills another folder, which takes the name at the end: who is killed in the middle leaves
 * nothing that is taken for the whole, and what is left is removed by the next. Two at once: the second waits for the first.
 */
export async function once(
  cached: Cached,
  say: (line: string) => void,
  make: (making: string) => Promise<void>,
): Promise<void> {
  const { folder, lock, title } = cached;
  if (!isCached(cached)) {
    await withLock(lock, { waiting: (holder) => say(`process ${holder} makes ${title} already: waiting for it`) }, () =>
      unlessCached(cached, make),
    );
  }
  const now = new Date();
  utimesSync(folder, now, now);
}

async function unlessCached(cached: Cached, make: (making: string) => Promise<void>): Promise<void> {
  if (isCached(cached)) return;
  const making = `${cached.folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  try {
    await make(making);
    renameSync(making, cached.folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
