import type { NodeAccess } from './access.ts';
import { FileFailed, troubleOf } from './file-error.ts';
import { FLUSH } from './flush.ts';
import { assertPath } from './path.ts';
import { runScript } from './script.ts';

// A folder that somebody else owns, or a link in its place, is no place for keys.
const MAKE = `${FLUSH}
d=$1 mode=$2
# Those above it get their mode from the umask alone.
(umask "$(printf %03o $((0777 & ~0$mode)))" && mkdir -p -- "$d") || exit 1
if [ -L "$d" ] || [ "$(stat -c %u -- "$d")" != "$(id -u)" ]; then echo "$d is a link or belongs to another user" >&2; exit 1; fi
chmod -- "$mode" "$d" || exit 1
flush -- "$d" || exit 1
`;

/** Makes a folder, and those above it, with this mode (default 0700); an existing one of ours gets the mode. */
export async function makeDir(access: NodeAccess, path: string, mode = 0o700): Promise<void> {
  assertPath(path);
  await orFail(access, 'make the folder', path, MAKE, [path, mode.toString(8)]);
}

// Contents only: `cp -a` would keep hard links between the copies; cp without -l and --reflink=never make plain new files.
const COPY = `${FLUSH}
from=$1 to=$2
[ -d "$from" ] || { echo "$from is not a folder" >&2; exit 1; }
[ ! -e "$to" ] || { echo "$to exists" >&2; exit 1; }
part="$to.part"
rm -rf -- "$part"
mkdir -p -m 700 -- "\${to%/*}" || exit 1
cp -PR --preserve=mode,ownership,timestamps --reflink=never -- "$from" "$part" || { rm -rf -- "$part"; exit 1; }
chmod -- 700 "$part" && flush -f -- "$part" && mv -T -- "$part" "$to" || { rm -rf -- "$part"; exit 1; }
`;

/**
 * Copies a folder for a backup, to a folder that does not exist yet; it is there whole (0700) or not at all. Files are real copies, never hard links, which would make
 * the components' file watches go deaf (trap 10); symbolic links stay links.
 */
export async function copyDir(access: NodeAccess, from: string, to: string): Promise<void> {
  assertPath(from);
  assertPath(to);
  await orFail(access, 'copy to', to, COPY, [from, to], 120_000);
}

/** The files and links to files below `roots` whose name fits one of the shell patterns (`*.conf`), sorted. Roots that do not exist hold none. */
export async function findFiles(
  access: NodeAccess,
  roots: readonly string[],
  patterns: readonly string[],
  options: { depth?: number; signal?: AbortSignal } = {},
): Promise<string[]> {
  if (roots.length === 0 || patterns.length === 0) return [];
  roots.forEach(assertPath);
  const names = patterns.flatMap((pattern, index) => [...(index === 0 ? [] : ['-o']), '-name', pattern]);
  const test = [
    '-maxdepth',
    String(options.depth ?? 8),
    '(',
    '-type',
    'f',
    '-o',
    '-type',
    'l',
    ')',
    '(',
    ...names,
    ')',
    '-print0',
  ];
  // find goes on past a root that does not exist or a folder that it may not read, and says so by its code only.
  const result = await runScript(access, 'find -H "$@" 2>/dev/null; exit 0', [...roots, ...test], {
    timeout: 60_000,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const found = result.stdout.toString('utf8').split('\0');
  return [...new Set(found.filter((path) => path.startsWith('/') && !path.includes('\n')))].sort();
}

/** Bytes free for us at a path, or at the closest folder above it that exists. */
export async function freeBytes(access: NodeAccess, path: string): Promise<number> {
  assertPath(path);
  const script =
    'p=$1; while [ ! -e "$p" ] && [ "$p" != / ]; do p=$(dirname -- "$p"); done; stat -f -c "%a %S" -- "$p"';
  const result = await runScript(access, script, [path]);
  const [blocks, size] = result.stdout.toString().trim().split(' ').map(Number);
  if (blocks === undefined || size === undefined)
    throw new FileFailed('see the free space at', access.node, path, 'other', result.stderr.trim());
  return blocks * size;
}

async function orFail(
  access: NodeAccess,
  doing: string,
  path: string,
  script: string,
  args: string[],
  timeout?: number,
): Promise<void> {
  const result = await runScript(access, script, args, timeout === undefined ? {} : { timeout });
  if (result.code === 0) return;
  const said = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new FileFailed(doing, access.node, path, troubleOf(result.stderr), said || `code ${result.code}`);
}
