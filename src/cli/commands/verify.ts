import { type Command, InvalidArgumentError } from 'commander';
import type { Inventory } from '../../core/model/inventory.ts';
import { discoverAll } from '../../discover/discover.ts';
import { EXIT } from '../../errors.ts';
import { verifyAll } from '../../prove/verify/verify.ts';
import { foldersOf } from '../../rotate/folder.ts';
import { type AccessOf, readRecord } from '../../rotate/record.ts';
import { coloursFor } from '../../views/colours.ts';
import { summaryOf, verifyLines } from '../../views/verify.ts';
import { addGlobalFlags, type GlobalFlags, openSession } from '../session.ts';

type Flags = GlobalFlags & { since?: number };

export function registerVerify(root: Command): void {
  const command = root
    .command('verify')
    .description('measures every channel now; exit 1 if one fails; changes nothing')
    .option(
      '--since <duration>',
      'how far back logs are searched for TLS errors: 90s, 5m, 2h (default: since the rotation began that is open or was ended within a day, else 5m)',
      milliseconds,
    );
  addGlobalFlags(command).action((flags: Flags) => verify(flags));
}

/** `-o json` prints one document: `{"takenAt","ok","checks":[{"kind","channel","ok","message"}]}`; `ok` is null where nothing was measured. */
async function verify(flags: Flags): Promise<void> {
  const session = await openSession(flags);
  try {
    const now = Date.now();
    const { inventory, certificates } = await discoverAll(session, { now, fronts: false });
    const { cluster, accessOf, dial } = session;
    const since = flags.since === undefined ? await sinceRotation(inventory, accessOf, now) : now - flags.since;
    const checks = await verifyAll({ cluster, accessOf, dial, inventory, certificates, now, since });
    const failed = checks.some(({ ok }) => ok === false);
    if (flags.output === 'json') {
      const list = checks.map(({ ok, ...rest }) => ({ ...rest, ok: ok ?? null }));
      process.stdout.write(
        `${JSON.stringify({ takenAt: now, ok: !failed, summary: summaryOf(checks), checks: list }, undefined, 1)}\n`,
      );
    } else process.stdout.write(`${verifyLines(checks, coloursFor(process.stdout)).join('\n')}\n`);
    process.exitCode = failed ? EXIT.checkFailed : EXIT.done;
  } finally {
    await session.close();
  }
}

/** When the rotation began that the cluster is in, or has just come out of. Where no record can be read, five minutes ago. */
async function sinceRotation(inventory: Inventory, accessOf: AccessOf, now: number): Promise<number> {
  const usual = now - 5 * UNITS.m;
  try {
    const { startedAt, endedAt } = (await readRecord(foldersOf(inventory), accessOf))?.record ?? {};
    const counts = startedAt !== undefined && (endedAt === undefined || now - Date.parse(endedAt) < UNITS.d);
    return counts ? Date.parse(startedAt) : usual;
  } catch {
    return usual;
  }
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const factor = (UNITS as Record<string, number>)[unit];
  if (count === undefined || factor === undefined)
    throw new InvalidArgumentError('a number with s, m, h or d, such as 5m.');
  return Number(count) * factor;
}
