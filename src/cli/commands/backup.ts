import type { Command } from 'commander';
import { type ArchiveHeader, encrypterFor, writeArchive } from '../../backup/archive.ts';
import { filesToBackUp, gather, type Skipped } from '../../backup/gather.ts';
import { assertNewFile } from '../../backup/local-file.ts';
import { backupNode } from '../../backup/node-backup.ts';
import { clusterUid } from '../../cluster/uid.ts';
import type { Inventory } from '../../core/model/inventory.ts';
import { discover } from '../../discover/discover.ts';
import { EXIT, reasonOf, wrongUse } from '../../errors.ts';
import { backupFolder } from '../../rotate/backups.ts';
import { foldersOf } from '../../rotate/folder.ts';
import { addGlobalFlags, type GlobalFlags, openSession, type Session } from '../session.ts';
import { stoppable } from '../stoppable.ts';

interface Flags extends GlobalFlags {
  out?: string;
  recipient: string[];
}

/** `reroot backup`: on each node a copy that stays there; with --out one encrypted file for elsewhere. Exit 1 when something is not in it. */
export function registerBackup(root: Command): void {
  const command = root
    .command('backup')
    .description('everything reroot may touch: on each node, or with --out as one encrypted file for elsewhere')
    .option('--out <file>', 'write one file (age format) here; needs --recipient')
    .option('--recipient <age1...>', 'who can open it, as age-keygen prints it (repeatable)', collect, []);
  addGlobalFlags(command).action((flags: Flags) => backup(flags));
}

const collect = (value: string, known: string[]): string[] => [...known, value];

async function backup(flags: Flags): Promise<void> {
  const { out, recipient } = flags;
  if (out === undefined && recipient.length > 0)
    throw wrongUse('--recipient is for --out FILE', 'name the file: --out backup.age');
  if (out !== undefined && recipient.length === 0) {
    throw wrongUse(
      'a backup holds private keys of the cluster and is not written unencrypted: --recipient is missing',
      'make a key with age-keygen -o key.txt, keep key.txt elsewhere, and give the recipient that it prints: --recipient age1…',
    );
  }
  const encrypter = encrypterFor(recipient);
  if (out !== undefined) await assertNewFile(out);
  const session = await openSession(flags);
  try {
    const addresses = new Map<string, string>();
    const noteAddress = (node: string, address: string): void => {
      addresses.set(node, address);
      session.noteAddress(node, address);
    };
    const inventory = await discover({ ...session, noteAddress }, { now: Date.now(), fronts: false });
    const skipped: Skipped[] = [];
    await stoppable(async (signal) => {
      if (out === undefined) await onNodes(session, inventory, skipped, { flags, signal });
      else await toFile(session, inventory, skipped, { flags, out, encrypter, addresses, signal });
    });
    tellSkipped(skipped);
  } finally {
    await session.close();
  }
}

async function toFile(
  session: Session,
  inventory: Inventory,
  skipped: Skipped[],
  to: {
    flags: Flags;
    out: string;
    encrypter: ReturnType<typeof encrypterFor>;
    addresses: ReadonlyMap<string, string>;
    signal: AbortSignal;
  },
): Promise<void> {
  const { accessOf, cluster } = session;
  const uid = await clusterUid(cluster);
  const header: ArchiveHeader = {
    reroot: 'backup',
    version: 1,
    takenAt: new Date(inventory.takenAt).toISOString(),
    server: inventory.cluster.server,
    ...(uid === undefined ? {} : { clusterUid: uid }),
    kubernetes: inventory.cluster.version,
    nodes: inventory.nodes.map(({ name }) => {
      const address = to.addresses.get(name);
      return address === undefined ? { name } : { name, address };
    }),
    folders: foldersOf(inventory).map(({ node, home }) => ({ node, home })),
  };
  const entries = gather({ inventory, accessOf, cluster, signal: to.signal, skipped: (one) => void skipped.push(one) });
  const written = await writeArchive(to.out, to.encrypter, header, entries);
  const told = { out: to.out, ...written, nodes: header.nodes.length, skipped };
  if (to.flags.output === 'json') process.stdout.write(`${JSON.stringify(told)}\n`);
  else {
    process.stdout.write(
      `${to.out}: ${written.entries} files and objects of ${header.nodes.length} nodes, ${written.bytes} bytes, encrypted\n` +
        `it opens with: age -d -i KEY ${to.out}; it goes back with: reroot restore --in ${to.out} --identity KEY\n`,
    );
  }
}

/** Why a node is not in a backup that was stopped; what lies on the others is whole and stays. */
const INTERRUPTED = 'interrupted before it was its turn';

async function onNodes(
  session: Session,
  inventory: Inventory,
  skipped: Skipped[],
  { flags, signal }: { flags: Flags; signal: AbortSignal },
): Promise<void> {
  const id = `by-hand-${new Date(inventory.takenAt).toISOString().slice(0, 19).replace(/[:T]/g, '-')}`;
  const folders = foldersOf(inventory);
  const reached = new Set(inventory.nodes.filter((node) => node.reached).map(({ name }) => name));
  const made: { node: string; dir: string; files: number }[] = [];
  for (const node of inventory.nodes) {
    if (!node.reached) skipped.push({ what: `node/${node.name}`, why: node.why ?? 'it was not reached' });
  }
  for (const [node, files] of filesToBackUp(inventory)) {
    if (!reached.has(node)) continue;
    if (signal.aborted) {
      skipped.push({ what: `node/${node}`, why: INTERRUPTED });
      continue;
    }
    const dir = backupFolder(folders, node, inventory, id);
    if (!dir) {
      skipped.push({ what: `node/${node}`, why: 'there is no folder of a CA to put it beside' });
      continue;
    }
    try {
      made.push({ node, dir, files: (await backupNode(session.accessOf(node), files, dir)).copied });
    } catch (thrown) {
      skipped.push({ what: `node/${node}`, why: reasonOf(thrown) });
    }
  }
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify({ id, nodes: made, skipped })}\n`);
  else {
    for (const { node, dir, files } of made) process.stdout.write(`${node}: ${files} files in ${dir}\n`);
    process.stdout.write(
      `they go back with: reroot restore --from-node-backup ${id}\nthey hold private keys and stay until you remove them; objects are only in a backup with --out\n`,
    );
  }
}

function tellSkipped(skipped: readonly Skipped[]): void {
  if (skipped.length === 0) return;
  process.stderr.write(`reroot: not in the backup:\n${skipped.map(({ what, why }) => `  ${what}: ${why}\n`).join('')}`);
  process.exitCode = skipped.some(({ why }) => why === INTERRUPTED) ? EXIT.interrupted : EXIT.checkFailed;
}
