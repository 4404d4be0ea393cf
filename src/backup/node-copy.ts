// The shell side of a node's backup: copies, and their sums.

import { posix } from 'node:path';
import type { NodeAccess } from '../nodes/access.ts';
import { FileFailed, troubleOf } from '../nodes/file-error.ts';
import { FLUSH } from '../nodes/flush.ts';
import { assertPath } from '../nodes/path.ts';
import { runScript } from '../nodes/script.ts';

export type Copied =
  | { absent: true; path: string }
  | {
      absent?: undefined;
      path: string;
      link?: string;
      real: string;
      copy: string;
      sha256: string;
      size: number;
      mode: string;
      owner: string;
      changedAt: number;
    };

// A source that changes while it is copied is copied again; the sums of source and copy must be equal in the end.
const COPY = `${FLUSH}
dir=$1 fresh=$2
fail() { printf 'F %s\\n' "$2"; [ "$fresh" = yes ] && rm -rf -- "$dir"; exit 1; }
sum() { set -- $(sha256sum <"$1") || return 1; printf %s "$1"; }
[ "$fresh" = yes ] && rm -rf -- "$dir/files"
while IFS= read -r p; do
  printf '@ %s\\n' "$p"
  real=$p
  if [ -L "$p" ]; then real=$(readlink -f -- "$p") || real=$p; printf 'L %s\\n' "$(readlink -- "$p")"; fi
  printf 'R %s\\n' "$real"
  if [ ! -e "$p" ]; then
    said=$(stat -L -- "$p" 2>&1 >/dev/null)
    case $said in *'No such file'*|*'Not a directory'*) echo A; continue ;; esac
    printf '%s\\n' "$said" >&2; fail "$p" read
  fi
  [ -f "$p" ] || { echo 'not a regular file' >&2; fail "$p" kind; }
  to="$dir/files$real"
  if [ ! -e "$to" ]; then
    mkdir -p -- "\${to%/*}" || fail "$p" copy
    n=0
    while :; do
      cp -p -- "$real" "$to.part" || { rm -f -- "$to.part"; fail "$p" copy; }
      a=$(sum "$real") && b=$(sum "$to.part") || fail "$p" read
      [ "$a" = "$b" ] && break
      n=$((n+1)); [ "$n" -lt 5 ] || { echo 'it changes while it is copied' >&2; fail "$p" changed; }
    done
    mv -f -- "$to.part" "$to" || fail "$p" copy
  fi
  printf 'H %s\\n' "$(sum "$to")"
  stat -c 'S %a %u:%g %s %Y' -- "$to" || fail "$p" read
  [ "$(stat -c %h -- "$to")" = 1 ] || { echo 'the copy is a hard link' >&2; fail "$p" copy; }
done
flush -f -- "$dir" || { printf '@ %s\\n' "$dir"; fail "$dir" flush; }
`;

/** Copies to `dir/files/ABSOLUTE-PATH`. With `fresh`, a failure removes `dir`. */
export async function copyFiles(
  access: NodeAccess,
  paths: readonly string[],
  dir: string,
  { fresh }: { fresh: boolean },
): Promise<Copied[]> {
  paths.forEach(assertPath);
  const result = await runScript(access, COPY, [dir, fresh ? 'yes' : 'no'], {
    stdin: paths.map((path) => `${path}\n`).join(''),
    timeout: 120_000,
  });
  const blocks = result.stdout.toString('utf8').split(/^@ /m).slice(1);
  if (result.code !== 0) throw failureOf(access, dir, blocks.at(-1), result.stderr, result.code);
  return blocks.map((block) => parseCopy(block, dir));
}

function failureOf(
  access: NodeAccess,
  dir: string,
  block: string | undefined,
  stderr: string,
  code: number,
): FileFailed {
  const path = block?.split('\n')[0] ?? dir;
  const said = stderr.trim().split('\n').at(-1) || `the command ended with code ${code}`;
  return new FileFailed('back up', access.node, path, troubleOf(stderr), said);
}

function parseCopy(block: string, dir: string): Copied {
  const lines = block.split('\n');
  const path = lines[0] ?? '';
  const field = (letter: string): string | undefined => lines.find((line) => line.startsWith(`${letter} `))?.slice(2);
  if (lines.includes('A')) return { absent: true, path };
  const real = field('R') ?? path;
  const link = field('L');
  const [mode = '', owner = '', size = '', seconds = ''] = (field('S') ?? '').split(' ');
  return {
    path,
    ...(link === undefined ? {} : { link }),
    real,
    copy: posix.relative(dir, posix.join(dir, 'files', real)),
    sha256: field('H') ?? '',
    size: Number(size),
    mode,
    owner,
    changedAt: Number(seconds) * 1000,
  };
}

const SUMS = `
stat -c 'M %a' -- "$1"
while IFS= read -r p; do
  [ -f "$p" ] && [ -r "$p" ] || continue
  set -- $(sha256sum <"$p"); printf '%s %s %s\\n' "$1" "$(stat -c %h -- "$p")" "$p"
done
`;

/** Sum and hard links of each copy that can be read, and the folder's mode. */
export async function sumCopies(
  access: NodeAccess,
  dir: string,
  copies: readonly string[],
): Promise<{ mode: string; copies: Map<string, { sha256: string; links: number }> }> {
  const { stdout } = await runScript(access, SUMS, [dir], {
    stdin: copies.map((path) => `${path}\n`).join(''),
    timeout: 120_000,
  });
  const lines = stdout.toString('utf8').split('\n');
  const found = lines.flatMap((line) => {
    const match = /^([0-9a-f]{64}) (\d+) (.*)$/.exec(line);
    return match ? [[match[3] ?? '', { sha256: match[1] ?? '', links: Number(match[2]) }] as const] : [];
  });
  return { mode: lines.find((line) => line.startsWith('M '))?.slice(2) ?? 'unknown', copies: new Map(found) };
}
