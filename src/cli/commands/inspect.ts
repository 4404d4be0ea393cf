import type { Command } from 'commander';
import { discover } from '../../discover/discover.ts';
import { usersOf } from '../../discover/users.ts';
import { coloursFor } from '../../views/colours.ts';
import { inspectLines } from '../../views/inspect.ts';
import { addGlobalFlags, type GlobalFlags, openSession } from '../session.ts';

export function registerInspect(root: Command): void {
  const command = root
    .command('inspect')
    .description('authorities, every store and who uses it, expiry, findings with the fix for each; changes nothing');
  addGlobalFlags(command).action((flags: GlobalFlags) => inspect(flags));
}

/** `-o json` prints the whole inventory as one document. Findings do not change the exit code: looking has worked. */
async function inspect(flags: GlobalFlags): Promise<void> {
  const session = await openSession(flags);
  try {
    const inventory = await discover(session, { now: Date.now() });
    if (flags.output === 'json') process.stdout.write(`${JSON.stringify(inventory, undefined, 1)}\n`);
    else {
      const lines = inspectLines({ inventory, users: usersOf(inventory), colours: coloursFor(process.stdout) });
      process.stdout.write(`${lines.join('\n')}\n`);
    }
  } finally {
    await session.close();
  }
}
