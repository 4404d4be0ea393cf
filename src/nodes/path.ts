import { wrongUse } from '../errors.ts';

/** Paths on nodes are absolute and on one line: they travel as lines and are shown to people. */
export function assertPath(path: string): void {
  if (!path.startsWith('/')) throw wrongUse(`${JSON.stringify(path)} is not an absolute path`);
  if (/[\n\0]/.test(path))
    throw wrongUse(`${JSON.stringify(path)} has a line break: reroot does not handle such paths`);
}
