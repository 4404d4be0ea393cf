// Names in the cache are digests of everything that decides what is inside.

import { createHash } from 'node:crypto';

/** 16 hexadecimal digits; of anything that JSON can say, in the order it is given. */
export const digest = (of: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 16);
