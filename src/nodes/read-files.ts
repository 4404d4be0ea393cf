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

// Each file is opened once, and what is said of it is said of the open file: a rename in between cannot mix two of them.
const SCRIPT = `
max=$1
while IFS= read -r p; do
  printf '@ %s\\n' "$p"
  if [ -L "$p" ]; then printf 'L %s\\n' "$(readlink -- "$p")"; printf 'R %s\\n' "$(readlink -f -- "$p")"; fi
  if [ ! -e "$p" ]; then printf 'E %s\\n' "$(stat -L -- "$p" 2>&1 >/dev/null)"
  elif [ ! -f "$p" ]; then echo 'E not a regular file'
  elif [ ! -r "$p" ]; then echo 'E Permission denied'
  else
    {
      if ! s=$(stat -L -c '%s S %a %u:%g %i %h %y|%U:%G' /proc/self/fd/3); then false
      elif [ "\${s%% *}" -gt "$max" ]; then echo 'E too large to be read'
      else printf '%s\\nB\\n' "\${s#* }" && base64 <&3 && echo .
      fi
    } 3<"$p" || echo 'E cannot be read'
  fi
done
`;

/** Reads many files of a node in one command. What cannot be read is a fault, never an exception; every path asked for is in the answer. */
export async function readFiles(
  access: NodeAccess,
  paths: readonly string[],
  options: { signal?: AbortSignal; timeout?: number } = {},
): Promise<Map<string, FileSeen>> {
  const asked = [...new Set(paths)];
  if (asked.length === 0) return new Map();
  asked.forEach(assertPath);
  const { stdout, stderr } = await runScript(access, SCRIPT, [String(MAX_BYTES)], {
    timeout: 60_000,
    ...options,
    stdin: `${asked.join('\n')}\n`,
  });
  const seen = new Map(
    stdout
      .toString('latin1')
      .split(/^@ /m)
      .slice(1)
      .map(parseBlock)
      .map((file) => [file.path, file]),
  );
  return new Map(
    asked.map((path) => [path, seen.get(path) ?? fault(path, stderr.trim() || 'no answer for this file')]),
  );
}

function parseBlock(block: string): FileSeen {
  const lines = Buffer.from(block, 'latin1').toString('utf8').split('\n');
  const path = lines[0] ?? '';
  const field = (letter: string) => lines.find((line) => line.startsWith(`${letter} `))?.slice(2);
  const error = field('E');
  const stat = /^(\d+) (\d+:\d+) (\d+) (\d+) (.*?)\|(.*)$/.exec(field('S') ?? '');
  const from = lines.indexOf('B');
  const to = lines.indexOf('.', from);
  if (error !== undefined || !stat || from < 0 || to < 0) return fault(path, error ?? 'cut short while it was read');
  const bytes = Buffer.from(lines.slice(from + 1, to).join(''), 'base64');
  const [, mode = '', ownerIds = '', inode = '', links = '', changed = '', names = ''] = stat;
  const target = field('L');
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
    ...(target === undefined ? {} : { target, realPath: field('R') ?? target }),
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
