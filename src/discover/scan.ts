// Files around the known ones that nobody was seen to use: copies of a CA, people's kubeconfigs, what a CNI plugin keeps on the host.

import { posix } from 'node:path';
import type { NodeAccess } from '../nodes/access.ts';
import { type FileSeen, findFiles, readFiles } from '../nodes/files.ts';

const PATTERNS = ['*.crt', '*.pem', '*.cer', '*.cert', '*.key', '*.conf', '*kubeconfig*', 'config'];
/** Far too much lies below these for a component's file there to make them a folder of certificates. */
const TOO_WIDE = new Set([
  '/',
  '/etc',
  '/usr',
  '/var',
  '/var/lib',
  '/var/run',
  '/run',
  '/opt',
  '/home',
  '/root',
  '/tmp',
  '/srv',
]);
const DEPTH = 4;

/** Folders to look through: those of known files, and what reroot.yaml names. */
export function scanFolders(knownFiles: readonly string[], configured: readonly string[]): string[] {
  const folders = knownFiles.map((path) => posix.dirname(path)).filter((folder) => !TOO_WIDE.has(folder));
  return [...new Set([...folders, ...configured].map((folder) => folder.replace(/(.)\/+$/, '$1')))].sort();
}

/**
 * Files that are not looked at: what reroot keeps for a rotation (staged material, backups, the record), pods' volumes, the kubelet's earlier
 * pairs, to which its `-current.pem` points no longer, and kubeadm's copies from before an upgrade.
 */
export function isLeftAlone(path: string): boolean {
  return (
    /\/reroot\/(staging\/|backup-|record\.json$)/.test(path) ||
    /\/pods\/[^/]+\/volumes\//.test(path) ||
    /\/kubelet-(client|server)-\d{4}-\d\d-\d\d-[\d-]+\.pem$/.test(path) ||
    /\/tmp\/kubeadm-(backup|upgraded|kubeconfig)[^/]*\//.test(path)
  );
}

/** reroot's folders on a control plane: beside each API server's client CA (src/rotate/folder.ts). */
export const RECORD = 'reroot/record.json';

/** Every file that may hold material, but for the known ones. Paths of reroot.yaml that are files are read whatever their name. */
export async function scanFiles(
  access: NodeAccess,
  where: { files: readonly string[]; configured: readonly string[] },
  known: ReadonlySet<string>,
): Promise<Map<string, FileSeen>> {
  const folders = scanFolders(where.files, where.configured);
  const found = await findFiles(access, folders, [...PATTERNS, 'record.json'], { depth: DEPTH });
  const wanted = [...where.configured, ...found].filter((path) => !known.has(path) && !isLeftAlone(path));
  const records = found.filter((path) => path.endsWith(`/${RECORD}`));
  const seen = await readFiles(access, [...wanted, ...records]);
  return new Map([...seen].filter(([path, file]) => file.kind === 'file' || !where.configured.includes(path)));
}
