import type { Command } from 'commander';
import { plan } from '../../core/plan/plan.ts';
import { planRollback } from '../../core/plan/rollback.ts';
import { discoverAll } from '../../discover/discover.ts';
import { foldersOf } from '../../rotate/folder.ts';
import { isOpen, rotationOf } from '../../rotate/open.ts';
import { readRecord } from '../../rotate/record.ts';
import { readStaged } from '../../rotate/staging.ts';
import { type StatusFacts, statusText } from '../../views/status.ts';
import { addGlobalFlags, type GlobalFlags, openSession } from '../session.ts';

export function registerStatus(root: Command): void {
  const command = root
    .command('status')
    .description('where a rotation stands, what its next step needs and who blocks it');
  addGlobalFlags(command).action((flags: GlobalFlags) => status(flags));
}

async function status(flags: GlobalFlags): Promise<void> {
  const session = await openSession(flags);
  const view = await factsOf(session);
  process.stdout.write(flags.output === 'json' ? `${JSON.stringify(view, undefined, 1)}\n` : statusText(view));
  await session.close?.();
}

/** The record, and what a plan made now would still do: the plan is the answer to "what does it wait for". */
async function factsOf(session: Awaited<ReturnType<typeof openSession>>): Promise<StatusFacts> {
  const now = Date.now();
  const look = await discoverAll(session, { now, fronts: false });
  const folders = foldersOf(look.inventory);
  const found = await readRecord(folders, session.accessOf);
  if (!found) return { now };
  const { record } = found;
  if (!isOpen(record)) return { now, record };
  const materials = await readStaged(record, folders, session.accessOf);
  const rotation = rotationOf(record, materials, {
    authorities: record.authorities.map(({ authority }) => authority),
    newCA: [],
    newKeys: record.newKeys,
    restart: record.restart,
    waivers: [],
    maxUnavailable: '1',
    compromised: record.compromised,
  });
  const inventory = look.under(rotation);
  const left =
    record.state === 'rolling-back' ? planRollback(inventory, rotation, now) : plan(inventory, rotation, 'retire', now);
  return { now, record, plan: left };
}
