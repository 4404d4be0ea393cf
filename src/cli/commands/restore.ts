import type { Command } from 'commander';
import { type Archive, decrypterFor, readArchive } from '../../backup/archive.ts';
import { contentOf } from '../../backup/content.ts';
import { carryOut, planRestore, type RestorePlan } from '../../backup/restore.ts';
import { itemsOfArchive, type RestoreItem } from '../../backup/restore-files.ts';
import { noteOfCluster } from '../../backup/same-cluster.ts';
import { discover } from '../../discover/discover.ts';
import { EXIT, RerootError, reasonOf, wrongUse } from '../../errors.ts';
import { readLocal } from '../../kubeconfig/local-files.ts';
import { type Folder, folderAt } from '../../rotate/folder.ts';
import { isOpen } from '../../rotate/open.ts';
import { readRecord } from '../../rotate/record.ts';
import type { ChangeView } from '../../views/changes.ts';
import { coloursFor } from '../../views/colours.ts';
import { restoreText } from '../../views/restore.ts';
import { demandWord } from '../ask.ts';
import { itemsAt, type Places, placesByInventory, placesByName } from '../node-backups.ts';
import { addGlobalFlags, type GlobalFlags, openNodes, openSession, type Session } from '../session.ts';
import { stoppable } from '../stoppable.ts';

interface Flags extends GlobalFlags {
  in?: string;
  identity?: string;
  fromNodeBackup?: string;
  node: string[];
  pki: string;
  dryRun?: boolean;
  yes?: boolean;
  force?: boolean;
}

type Nodes = ReturnType<typeof openNodes>;

/** Where the files come from, and where an open rotation would be recorded. */
interface Source {
  items: RestoreItem[];
  /** Nodes of which there is nothing. */
  left: RestorePlan['left'];
  archive?: Archive;
  folders: Folder[];
}

/** `reroot restore`: shows what differs, asks, writes only that. Works for files while the API server is down. */
export function registerRestore(root: Command): void {
  const command = root
    .command('restore')
    .description('back to what a backup has: shows what differs first, then asks')
    .option('--in <file>', 'a file that reroot backup --out made')
    .option('--identity <file>', 'the age key that opens it')
    .option('--from-node-backup <id>', 'the backup that rotate, or reroot backup, left on the nodes')
    .option('--node <name>', 'only the files of this node (repeatable)', collect, [])
    .option(
      '--pki <dir>',
      'where the nodes keep their CAs; for --from-node-backup while no API server answers',
      '/etc/kubernetes/pki',
    )
    .option('--dry-run', 'show what differs and change nothing')
    .option('--yes', 'do not ask')
    .option('--force', 'also while a rotation is open, or into another cluster than the backup is of');
  addGlobalFlags(command).action((flags: Flags) => restore(flags));
}

const collect = (value: string, known: string[]): string[] => [...known, value];

async function restore(flags: Flags): Promise<void> {
  if ((flags.in === undefined) === (flags.fromNodeBackup === undefined)) {
    throw wrongUse(
      'say what to restore from: --in FILE --identity KEY, or --from-node-backup ID',
      'backups of a rotation lie on each node: ls -d /etc/kubernetes/pki/reroot/backup-*',
    );
  }
  const archive = await archiveOf(flags);
  const nodes = openNodes(flags);
  for (const { name, address } of archive?.header.nodes ?? [])
    if (address !== undefined) nodes.noteAddress(name, address);
  const { session, why } = await sessionOrWhy(flags);
  try {
    const source = archive ? fromArchive(archive, flags) : await fromNodes(flags, session ?? nodes, session);
    const world = {
      accessOf: (session && !archive ? session : nodes).accessOf,
      ...(session ? { cluster: session.cluster } : {}),
    };
    const note = archive && (await noteOfCluster(archive.header, session?.cluster, flags.force === true));
    if (why) process.stderr.write(`reroot: without the API server (${why})\n`);
    await refuseWhileOpen(source.folders, world.accessOf, flags);
    const objects = flags.node.length > 0 ? [] : (source.archive?.objects ?? []);
    const plan = await planRestore(source.items, objects, world);
    plan.left.unshift(...source.left);
    if (note !== undefined) plan.notes.push(note);
    if (flags.dryRun || plan.files.length + plan.objects.length === 0) {
      show(plan, flags);
      return endWith(plan);
    }
    await stoppable(async (signal) => {
      show(plan, flags);
      await ask(flags, signal);
      await carryOut(plan, { ...world, signal }, (what) => process.stderr.write(`restored ${what}\n`));
    });
    process.stderr.write(
      'restored; what reads its files at start only still holds what it had: reroot verify shows who\n',
    );
    endWith(plan);
  } finally {
    await session?.close();
  }
}

async function archiveOf(flags: Flags): Promise<Archive | undefined> {
  if (flags.in === undefined) return undefined;
  if (flags.identity === undefined) throw wrongUse('--in needs --identity FILE, the age key that opens it');
  return readArchive(flags.in, decrypterFor(readLocal(flags.identity).text, flags.identity));
}

/** A restore is for bad days: an API server that is down must not stand in the way of its own files. */
async function sessionOrWhy(flags: Flags): Promise<{ session?: Session; why?: string }> {
  try {
    return { session: await openSession(flags) };
  } catch (thrown) {
    if (!(thrown instanceof RerootError)) throw thrown;
    return { why: thrown.message };
  }
}

function fromArchive(archive: Archive, flags: Flags): Source {
  const names = archive.header.nodes.map(({ name }) => name);
  const unknown = flags.node.find((node) => !names.includes(node));
  if (unknown !== undefined) throw wrongUse(`the backup has no node ${unknown}`, `it has ${names.join(', ')}`);
  const wanted = flags.node.length > 0 ? new Set(flags.node) : undefined;
  const folders = archive.header.folders.map(({ node, home }) => folderAt(node, home));
  return { items: itemsOfArchive(archive, wanted), left: [], archive, folders };
}

async function fromNodes(flags: Flags, nodes: Pick<Nodes, 'accessOf'>, session: Session | undefined): Promise<Source> {
  const places = await placesOf(flags, session);
  return { ...(await itemsAt(places, nodes.accessOf)), folders: places.folders };
}

async function placesOf(flags: Flags, session: Session | undefined): Promise<Places> {
  const id = flags.fromNodeBackup ?? '';
  if (session) return placesByInventory(await discover(session, { now: Date.now(), fronts: false }), id, flags.node);
  if (flags.node.length > 0) return placesByName(flags.node, flags.pki, id);
  throw wrongUse(
    'no API server answers, so the nodes are not known',
    'name them: --node NAME, and --pki DIR if it is not /etc/kubernetes/pki',
  );
}

/** One copy of the record is enough to know; none that can be read is not "no rotation". */
async function refuseWhileOpen(folders: readonly Folder[], accessOf: Nodes['accessOf'], flags: Flags): Promise<void> {
  if (flags.force) return;
  const looks = await Promise.allSettled(folders.map((folder) => readRecord([folder], accessOf)));
  const failed = looks.find((look): look is PromiseRejectedResult => look.status === 'rejected');
  const open = looks.flatMap((look) =>
    look.status === 'fulfilled' && isOpen(look.value?.record) ? [look.value.record] : [],
  )[0];
  if (open) {
    throw new RerootError(
      EXIT.blocked,
      `rotation ${open.id} is open: files from before it do not fit to what other parties hold now`,
      {
        hints: [
          'reroot rollback goes back step by step, proved',
          'with --force the files are restored all the same, and requests may fail',
        ],
      },
    );
  }
  if (failed && !looks.some((look) => look.status === 'fulfilled')) {
    throw new RerootError(EXIT.blocked, `whether a rotation is open is not known: ${reasonOf(failed.reason)}`, {
      hints: ['if you know that none is, --force goes on'],
    });
  }
}

function show(plan: RestorePlan, flags: Flags): void {
  if (flags.output === 'json') {
    const files = plan.files.map(({ item, differs }) => ({ node: item.node, path: item.path, differs }));
    const objects = plan.objects.map(({ object, fields }) => ({ object, fields: fields.map(({ path }) => path) }));
    process.stdout.write(
      `${JSON.stringify({ files, objects, same: plan.same, left: plan.left, notes: plan.notes })}\n`,
    );
    return;
  }
  process.stdout.write(restoreText({ ...plan, changes: changesOf(plan) }, coloursFor(process.stdout)));
}

function changesOf(plan: RestorePlan): ChangeView[] {
  const files = plan.files.map(({ item, current, differs }): ChangeView => {
    const also = [
      ...(current && differs.includes('mode') ? [`mode ${current.mode.toString(8)} -> ${item.mode.toString(8)}`] : []),
      ...(current && differs.includes('owner') ? [`owner ${current.ownerIds} -> ${item.owner}`] : []),
    ];
    const before = current ? { before: contentOf(current.bytes) } : {};
    return { target: `${item.node}:${item.path}`, ...before, after: contentOf(item.bytes), also };
  });
  const objects = plan.objects.flatMap(({ object, fields }) =>
    fields.map(({ path, before, after }) => ({
      target: `${object} ${path}`,
      before: contentOf(Buffer.from(before)),
      after: contentOf(Buffer.from(after)),
    })),
  );
  return [...files, ...objects];
}

async function ask(flags: Flags, signal: AbortSignal): Promise<void> {
  if (flags.yes) return;
  if (!process.stdin.isTTY || flags.output === 'json')
    throw wrongUse('without a terminal a restore needs --yes', 'see first what differs: --dry-run');
  await demandWord('restore', 'Type "restore" to write this: ', { signal });
}

function endWith(plan: RestorePlan): void {
  if (plan.left.length > 0) process.exitCode = EXIT.checkFailed;
}
