import { userInfo } from 'node:os';

/** Who runs this, for people to read. A uid without an entry in the passwd file, as in many containers, has no name. */
export function userName(ask: () => string = () => userInfo().username): string {
  try {
    return ask();
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
