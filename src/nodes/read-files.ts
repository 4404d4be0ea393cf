import { createHash } from 'node:crypto';
import type { NodeAccess } from './access.ts';
import { assertPath } from './path.ts';
import { runScript } from './script.ts';

export interface FileFound {
  kind: 'file';
  path: string;
  bytes: Buffer;
  /** Hex. */
  sha256: string;
  mode: number;
  /** `root:root`; the number where the node knows no name. */
  owner: string;
  /** `0:0`. */
  ownerIds: string;
  /** Milliseconds since the epoch, by the node's clock. */
  changedAt: number;
  inode: string;
  /** Other hard links make the components' file watches go deaf. 1 is normal. */
  links: number;
  /** For a symbolic link: what it says, and the file at its end. Everything else here is of that file. */
  target?: string;
  realPath?: string;
  fault?: undefined;
}

export interface FileFault {
  kind: 'fault';
  path: string;
  reason: 'absent' | 'permission' | 'not-a-file' | 'too-large' | 'other';
  /** In words. */
  fault: string;
  bytes?: undefined;
}

export type FileSeen = FileFound | FileFault;

/** Nothing that reroot reads is near this; a log given by mistake should not be carried over ssh. */
const MAX_BYTES = 4 * 1024 * 1024;

const FAULTS = `
fault() {
  if [ ! -e "$1" ]; then printf 'E %s\\n' "$(stat -L -- "$1" 2>&1 >/dev/null)"
  elif [ ! -f "$1" ]; then echo 'E not a regular file'
  elif [ ! -r "$1" ]; then echo 'E Permission denied'
  else return 1
  fi
}
link() { if [ -L "$1" ]; then printf 'L %s\\n' "$(readlink -- "$1")"; printf 'R %s\\n' "$(readlink -f -- "$1")"; fi; }
`;

// All of them by three programs, however many: their state, their content one after the other, their state again. What has the same inode, size and times
// before and after is what was read in between; SAME is said last, and not where one is too large. A few hundred small processes less on each node in each look at a cluster.
const TOGETHER = `${FAULTS}
max=$1; set --
while IFS= read -r p; do
  if [ -e "$p" ] && [ -f "$p" ] && [ -r "$p" ]; then set -- "$@" "$p"
  else printf '@ %s\\n' "$p"; link "$p"; fault "$p"
  fi
done
if [ $# -eq 0 ]; then echo '@ '; echo SAME; exit 0; fi
state() { stat -L -c '%s S %a %u:%g %i %h %y|%U:%G|%z' -- "$@"; }
before=$(state "$@") || exit 0
while IFS= read -r s; do
  p=$1; shift; set -- "$@" "$p"
  [ "\${s%% *}" -le "$max" ] || exit 0
  printf '@ %s\\n' "$p"; link "$p"
  printf 'N %s\\n%s\\n' "\${s%% *}" "\${s#* }"
done <<END
$before
END
printf '@ \\nB\\n'
cat -- "$@" | base64 && [ "$(state "$@")" = "$before" ] && echo SAME
`;

// Each file is opened once, and what is said of it is said of the open file: a rename in between cannot mix two of them.
const ONE_BY_ONE = `${FAULTS}
max=$1
while IFS= read -r p; do
  printf '@ %s\\n' "$p"; link "$p"
  if ! fault "$p"; then
    {
      if ! s=$(stat -L -c '%s S %a %u:%g %i %h %y|%U:%G' /proc/self/fd/3); then false
      elif [ "\${s%% *}" -gt "$max" ]; then echo 'E too large to be read'
      else printf '%s\\nB\\n' "\${s#* }" && base64 <&3 && echo .
      fi
    } 3<"$p" || echo 'E cannot be read'
  fi
done
`;

/** Up to here one by one costs no more. */
const FEW = 3;

/** Reads many files of a node in one command. What cannot be read is a fault, never an exception; every path asked for is in the answer. */
export async function readFiles(
  access: NodeAccess,
  paths: readonly string[],
  options: { signal?: AbortSignal; timeout?: number } = {},
): Promise<Map<string, FileSeen>> {
  const asked = [...new Set(paths)];
  if (asked.length === 0) return new Map();
  asked.forEach(assertPath);
  const ask = async (script: string): Promise<{ blocks: string[]; stderr: string }> => {
    const { stdout, stderr } = await runScript(access, script, [String(MAX_BYTES)], {
      timeout: 60_000,
      ...options,
      stdin: `${asked.join('\n')}\n`,
    });
    return { blocks: stdout.toString('latin1').split(/^@ /m).slice(1), stderr };
  };
  const together = asked.length > FEW ? seenTogether((await ask(TOGETHER)).blocks) : undefined;
  if (together && asked.every((path) => together.has(path)))
    return new Map(asked.map((path) => [path, together.get(path) ?? fault(path, NO_ANSWER)]));
  const { blocks, stderr } = await ask(ONE_BY_ONE);
  const seen = new Map(blocks.map(seenAlone).map((file) => [file.path, file]));
  return new Map(asked.map((path) => [path, seen.get(path) ?? fault(path, stderr.trim() || NO_ANSWER)]));
}

const NO_ANSWER = 'no answer for this file';

/** undefined where one of the files was written to or replaced meanwhile, or is too large. */
function seenTogether(blocks: readonly string[]): Map<string, FileSeen> | undefined {
  const content = linesOf(blocks.at(-1) ?? '');
  if (!content.includes('SAME')) return undefined;
  const bytes = Buffer.from(content.slice(content.indexOf('B') + 1, content.indexOf('SAME')).join(''), 'base64');
  let at = 0;
  const seen = new Map<string, FileSeen>();
  for (const lines of blocks.slice(0, -1).map(linesOf)) {
    const size = Number(fieldOf(lines, 'N') ?? 0);
    const file = fileOf(lines, bytes.subarray(at, at + size));
    at += size;
    seen.set(file.path, file);
  }
  return at === bytes.length ? seen : undefined;
}

function seenAlone(block: string): FileSeen {
  const lines = linesOf(block);
  const from = lines.indexOf('B');
  const to = lines.indexOf('.', from);
  const isWhole = from >= 0 && to >= 0;
  return fileOf(lines, isWhole ? Buffer.from(lines.slice(from + 1, to).join(''), 'base64') : undefined);
}

const linesOf = (block: string): string[] => Buffer.from(block, 'latin1').toString('utf8').split('\n');
const fieldOf = (lines: readonly string[], letter: string): string | undefined =>
  lines.find((line) => line.startsWith(`${letter} `))?.slice(2);

function fileOf(lines: readonly string[], bytes: Buffer | undefined): FileSeen {
  const path = lines[0] ?? '';
  const error = fieldOf(lines, 'E');
  const stat = /^(\d+) (\d+:\d+) (\d+) (\d+) (.*?)\|([^|]*)/.exec(fieldOf(lines, 'S') ?? '');
  if (error !== undefined || !stat || !bytes) return fault(path, error ?? 'cut short while it was read');
  const [, mode = '', ownerIds = '', inode = '', links = '', changed = '', names = ''] = stat;
  const target = fieldOf(lines, 'L');
  return {
    kind: 'file',
    path,
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    mode: Number.parseInt(mode, 8),
    owner: ownerName(names, ownerIds),
    ownerIds,
    changedAt: parseTime(changed),
    inode,
    links: Number(links),
    ...(target === undefined ? {} : { target, realPath: fieldOf(lines, 'R') ?? target }),
  };
}

function fault(path: string, text: string): FileFault {
  if (/No such file|Not a directory/.test(text))
    return { kind: 'fault', path, reason: 'absent', fault: 'no such file' };
  if (/Permission denied/.test(text)) return { kind: 'fault', path, reason: 'permission', fault: 'permission denied' };
  if (/not a regular file/.test(text))
    return { kind: 'fault', path, reason: 'not-a-file', fault: 'not a regular file' };
  if (/too large/.test(text)) return { kind: 'fault', path, reason: 'too-large', fault: 'larger than 4 MiB: not read' };
  return { kind: 'fault', path, reason: 'other', fault: text };
}

function ownerName(names: string, ids: string): string {
  const [user, group] = names.split(':');
  const [uid, gid] = ids.split(':');
  return `${user === 'UNKNOWN' ? uid : user}:${group === 'UNKNOWN' ? gid : group}`;
}

/** `2026-11-24 22:01:00.123456789 +0000` of stat's %y, which every implementation prints so. */
function parseTime(text: string): number {
  const parts = /^(\S+) (\d\d:\d\d:\d\d)(\.\d+)? ([+-]\d\d)(\d\d)$/.exec(text);
  if (!parts) return Number.NaN;
  const [, day, time, fraction = '', hours, minutes] = parts;
  return Date.parse(`${day}T${time}${fraction.slice(0, 4)}${hours}:${minutes}`);
}
