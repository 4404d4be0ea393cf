import { createHash } from 'node:crypto';
import type { NodeAccess } from './access.ts';
import { FileFailed, type FileTrouble, NotFlushed, troubleOf } from './file-error.ts';
import { FLUSH } from './flush.ts';
import { assertPath } from './path.ts';
import { runScript } from './script.ts';

export interface WriteOptions {
  /** Default: the mode of the file that is replaced, 0600 for a new one. With neither mode nor owner its ACL and other attributes stay too. */
  mode?: number;
  /** `root:root` or `0:0`. Default: the owner of the file that is replaced. */
  owner?: string;
  /** SHA-256 (hex) the content must have now, or `absent`. Checked before anything is written and again just before the rename. */
  expect?: string;
  signal?: AbortSignal;
  timeout?: number;
}

// `fail STAGE` is read back here; what the failing tool said is on standard error. The trap removes the temporary file in every
// end but SIGKILL, and the next write of the same file, or by the same link, removes what that left.
const COMMON = `${FLUSH}
fail() { printf 'fail %s\\n' "$1"; exit 1; }
sum() { set -- $(sha256sum <"$1") || return 1; printf %s "$1"; }
check() {
  [ "$expect" = any ] && return 0
  now=absent
  if [ -e "$1" ]; then now=$(sum "$1") || fail read; fi
  [ "$now" = "$expect" ] || fail changed
}
like() { # ACL, label and other attributes of $1 for the new file; mode and owner are set, and their failure told, by what follows
  case $(cp --help 2>&1) in *--attributes-only*) ;; *) return 0 ;; esac
  said=$(cp --attributes-only --preserve=all --no-preserve=timestamps -- "$1" "$tmp" 2>&1) && return 0
  printf '%s\\n' "$said" >&2; fail attributes
}
place() { # new content to a temporary file beside $1, on disk, with mode and owner, and all else as the file $2 has it
  dir=\${1%/*}; base=\${1##*/}; dir=\${dir:-/}
  [ -d "$dir" ] || fail no-folder
  if [ -d "$1" ]; then fail not-a-file; fi
  if [ -e "$1" ] && [ ! -f "$1" ]; then fail not-a-file; fi
  rm -f -- "$dir/.$base.reroot."??????
  tmp=$(mktemp -- "$dir/.$base.reroot.XXXXXX") || fail write
  trap 'rm -f -- "$tmp"' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  exec 3>"$tmp" # for as long as we may: its mode can be one that lets us write no more
  if [ -n "$2" ]; then like "$2"; fi
  if [ -n "$owner" ]; then chown -- "$owner" "$tmp" || fail owner; fi
  chmod -- "$mode" "$tmp" || fail mode
  if [ -e /sys/fs/selinux/enforce ] && [ -e "$1" ]; then chcon --reference="$1" -- "$tmp" || fail label; fi
  # The content last: nobody else reads it on the way, and the hash that a kernel keeps of it as an attribute (IMA) is of the new one.
  cat >&3 || { [ $? -eq 153 ] && echo 'File too large' >&2; fail write; }
  exec 3>&-
  flush -- "$tmp" || fail flush
  [ "$(sum "$tmp")" = "$want" ] || fail damaged
}
`;

const WRITE = `${COMMON}
p=$1 mode=$2 owner=$3 expect=$4 want=$5
if [ -L "$p" ]; then p=$(readlink -f -- "$p") || fail no-folder; fi
check "$p"
as=
if [ -f "$p" ]; then
  [ -n "$mode$owner" ] || as=$p
  [ -n "$mode" ] || mode=$(stat -c %a -- "$p")
  [ -n "$owner" ] || owner=$(stat -c %u:%g -- "$p")
fi
mode=\${mode:-600}
place "$p" "$as"
check "$p"
mv -f -T -- "$tmp" "$p" || fail rename
flush -- "$dir" || fail placed
[ "$(sum "$p")" = "$want" ] || fail damaged-after
`;

const WRITE_LINKED = `${COMMON}
link=$1 stem=$2 ext=$3 mode=$4 owner=$5 expect=$6 want=$7
[ -L "$link" ] || fail not-a-file
check "$link"
# The name of what a killed write left has that write's date, and a number where the date was taken.
left=\${link##*/}; left="\${link%/*}/.\${left%-current*}"; d='[0-9][0-9]' date="$d$d-$d-$d-$d-$d-$d"
rm -f -- "$left"-$date"$ext".reroot.?????? "$left"-$date-[0-9]*"$ext".reroot.??????
file=$stem$ext; n=1
while [ -e "$file" ] || [ -L "$file" ]; do n=$((n+1)); file=$stem-$n$ext; done
as=; [ -n "$mode$owner" ] || as=$link
[ -n "$mode" ] || mode=$(stat -L -c %a -- "$link")
[ -n "$owner" ] || owner=$(stat -L -c %u:%g -- "$link")
place "$file" "$as"
check "$link"
mv -f -T -- "$tmp" "$file" || fail rename
trap 'rm -f -- "$file" "$swap"' EXIT
swap="\${link%/*}/.\${link##*/}.reroot.link"
rm -f -- "$swap"
ln -s -- "$file" "$swap" || fail link
mv -f -T -- "$swap" "$link" || fail link
trap - EXIT
flush -- "$dir" || fail placed
[ "$(sum "$link")" = "$want" ] || fail damaged-after
`;

/**
 * Replaces a file's content, or makes the file: to a temporary file in the same folder, on disk, mode and owner kept, renamed into place and read
 * back. A reader sees the old content or the new, never a part. A symbolic link is followed and stays. Throws FileFailed; then the file is as
 * it was (but for NotFlushed). The bytes go by standard input.
 */
export async function writeFile(
  access: NodeAccess,
  path: string,
  bytes: Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  assertPath(path);
  const args = [path, modeText(options.mode), options.owner ?? '', options.expect ?? 'any', sha256(bytes)];
  await run(access, 'write', path, WRITE, args, options, bytes);
}

/**
 * Writes a file that is reached by a link. One that ends in `-current`, as the kubelet's `kubelet-client-current.pem`, is turned over to a new dated file beside
 * it in one rename, as the kubelet's own store does (client-go util/certificate/certificate_store.go); the file that it pointed to stays. Any other link is
 * written through. `expect` is of the content seen through the link.
 */
export async function writeLinked(
  access: NodeAccess,
  link: string,
  bytes: Uint8Array,
  options: WriteOptions & { now?: Date } = {},
): Promise<void> {
  assertPath(link);
  const parts = /^(.*)-current(\.[^./]+)?$/.exec(link);
  if (!parts) return writeFile(access, link, bytes, options);
  const [, stem, extension = ''] = parts;
  const stamp = (options.now ?? new Date()).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  const args = [link, `${stem}-${stamp}`, extension];
  const rest = [modeText(options.mode), options.owner ?? '', options.expect ?? 'any', sha256(bytes)];
  await run(access, 'write', link, WRITE_LINKED, [...args, ...rest], options, bytes);
}

const REMOVE = `${COMMON}
p=$1 expect=$2
if [ ! -e "$p" ] && [ ! -L "$p" ]; then exit 0; fi
if [ -d "$p" ] && [ ! -L "$p" ]; then fail not-a-file; fi
check "$p"
rm -f -- "$p" || fail remove
flush -- "\${p%/*}/" || fail placed
`;

/** Removes a file or a link; one that is not there is fine. */
export async function removeFile(
  access: NodeAccess,
  path: string,
  options: Pick<WriteOptions, 'expect' | 'signal' | 'timeout'> = {},
): Promise<void> {
  assertPath(path);
  await run(access, 'remove', path, REMOVE, [path, options.expect ?? 'any'], options);
}

async function run(
  access: NodeAccess,
  doing: string,
  path: string,
  script: string,
  args: string[],
  options: Pick<WriteOptions, 'signal' | 'timeout'>,
  stdin?: Uint8Array,
): Promise<void> {
  const result = await runScript(access, script, args, {
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(stdin ? { stdin } : {}),
  });
  if (result.code === 0) return;
  const stage = /^fail (\S+)/m.exec(result.stdout.toString())?.[1] ?? `code ${result.code}`;
  const said = result.stderr.trim().split('\n')[0] ?? '';
  if (stage === 'placed') throw new NotFlushed(doing, access.node, path, troubleOf(result.stderr), said);
  throw new FileFailed(doing, access.node, path, troubleAt(stage, result.stderr), `${stage}${said ? `: ${said}` : ''}`);
}

function troubleAt(stage: string, stderr: string): FileTrouble {
  switch (stage) {
    case 'changed':
    case 'no-folder':
    case 'not-a-file':
      return stage;
    case 'damaged-after':
      return 'damaged';
    default: {
      // A short write with no word of the tool is caught by the hash before the rename: nothing was changed.
      return troubleOf(stderr);
    }
  }
}

const modeText = (mode: number | undefined): string => (mode === undefined ? '' : mode.toString(8));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
