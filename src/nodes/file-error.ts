import { EXIT, RerootError } from '../errors.ts';

export type FileTrouble =
  | 'changed' // the content is not the one expected: somebody else wrote it
  | 'no-space'
  | 'read-only'
  | 'too-large' // a file size limit (ulimit -f) or the file system's
  | 'permission'
  | 'no-folder'
  | 'not-a-file'
  | 'disk' // an input/output error
  | 'damaged' // read back otherwise than written
  | 'other';

const WORDS: Record<FileTrouble, string> = {
  changed: 'its content is not the one expected: somebody else changed it',
  'no-space': 'no space is left on the device, or a quota is used up',
  'read-only': 'the file system is read-only',
  'too-large': 'a file size limit is in force',
  permission: 'permission denied',
  'no-folder': 'its folder does not exist',
  'not-a-file': 'it is not a regular file',
  disk: 'the disk gives an error',
  damaged: 'it was read back otherwise than it was written',
  other: 'the command failed',
};

const HINTS: Record<FileTrouble, string> = {
  changed:
    'find out who writes this file (kubeadm, Ansible, GitOps), stop it while the rotation is open, and run the command again',
  'no-space': 'free space on the node and run the command again',
  'read-only': 'mount the file system writable and run the command again',
  'too-large': 'raise the limit (`ulimit -f`, LimitFSIZE=) and run the command again',
  permission: 'let reroot act as root on the node: `sudo: true` in reroot.yaml, or --ssh-user root',
  'no-folder': 'is the path right, is the disk mounted? Then run the command again',
  'not-a-file': 'see what is there: reroot replaces regular files and links to them only',
  disk: 'check the disk of the node before anything else',
  damaged: 'check the disk of the node before anything else',
  other: 'mend the cause on the node and run the command again',
};

/** A file on a node could not be changed. Nothing of the attempt is left; the file holds what it held before, unless `trouble` is `damaged`, or NotFlushed says so. */
export class FileFailed extends RerootError {
  readonly node: string;
  readonly path: string;
  readonly trouble: FileTrouble;
  constructor(doing: string, node: string, path: string, trouble: FileTrouble, detail: string) {
    super(EXIT.failedSafe, `cannot ${doing} ${path} on ${node}: ${wordsOf(trouble, detail)}`, {
      hints: [HINTS[trouble]],
    });
    this.name = 'FileFailed';
    this.node = node;
    this.path = path;
    this.trouble = trouble;
  }
}

/** The file is written or removed, in one rename; that this is on disk could not be had, so that a power cut may bring the old back. */
export class NotFlushed extends FileFailed {
  constructor(doing: string, node: string, path: string, trouble: FileTrouble, detail: string) {
    super(doing, node, path, trouble, detail);
    const done = doing === 'remove' ? 'removed' : 'written';
    this.message = `${path} on ${node} is ${done}, but a power cut may undo that: ${wordsOf(trouble, detail)}`;
    this.name = 'NotFlushed';
  }
}

function wordsOf(trouble: FileTrouble, detail: string): string {
  const said = trouble === 'other' || trouble === 'disk' || trouble === 'damaged' ? detail : '';
  return `${WORDS[trouble]}${said ? ` (${said})` : ''}`;
}

const PATTERNS: readonly [RegExp, FileTrouble][] = [
  [/No space left|Disk quota exceeded/i, 'no-space'],
  [/Read-only file system/i, 'read-only'],
  [/File too large|File ?size limit exceeded/i, 'too-large'],
  [/Input\/output error/i, 'disk'],
  [/Permission denied|Operation not permitted/i, 'permission'],
];

/** What a coreutils message in the C locale means (strerror texts of glibc). */
export const troubleOf = (stderr: string): FileTrouble =>
  PATTERNS.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'other';
