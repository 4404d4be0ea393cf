import type { Command } from 'commander';
import { Option } from 'commander';
import { MOVES, type Move } from '../../core/model/rotation.ts';
import { plan } from '../../core/plan/plan.ts';
import { EXIT, RerootError, wrongUse } from '../../errors.ts';
import type { Context } from '../../rotate/context.ts';
import { equip } from '../../rotate/equip.ts';
import { finishRetired } from '../../rotate/finish.ts';
import { begin, open } from '../../rotate/open.ts';
import { run } from '../../rotate/run.ts';
import { tellAway } from '../../rotate/tell.ts';
import { demandWord } from '../ask.ts';
import { observe, underLease, type WithLease } from '../rotation-session.ts';
import { addGlobalFlags, type GlobalFlags } from '../session.ts';
import { addWishFlags, type WishFlags, wishOf } from '../wish-flags.ts';

type Flags = WishFlags & GlobalFlags & { until: Move; yes?: boolean };

export function registerRotate(root: Command): void {
  const command = root
    .command('rotate')
    .description('trust, issue, retire: turns the authorities, each step proved; run again to resume')
    .addOption(new Option('--until <move>', 'stop at the end of this move').choices([...MOVES]).default('issue'))
    .option('--yes', 'do not ask before retire (the move that cannot simply be undone)');
  addGlobalFlags(addWishFlags(command)).action((flags: Flags) => rotate(flags));
}

async function rotate(flags: Flags): Promise<void> {
  await askBeforeRetire(flags);
  await underLease(flags, async (held: WithLease) => {
    const { ctx, fresh } = await open(held.world, wishOf(flags));
    held.named(ctx.record.id);
    refuseGoingBack(ctx);
    if (fresh) await begin(ctx);
    else ctx.emit({ type: 'begin', message: `rotation ${ctx.record.id} goes on`, data: { resumed: true } });
    if (ctx.record.ending === 'done') return finishRetired(ctx);
    if (!fresh) await equip(ctx);
    tellAway(ctx);
    await run(ctx, {
      observe: () => observe(held.world, ctx),
      plan: (now) => plan(now.inventory, now.rotation, flags.until, now.now()),
    });
    ctx.record.reached = further(ctx.record.reached, flags.until);
    if (flags.until === 'retire') await finishRetired(ctx);
    else await held.reached(ctx, flags.until);
  });
}

/** Asked for a move that lies behind, a rotation does not go back to it. */
const further = (known: Move | undefined, now: Move): Move =>
  known !== undefined && MOVES.indexOf(known) > MOVES.indexOf(now) ? known : now;

function refuseGoingBack(ctx: Context): void {
  if (ctx.record.state !== 'rolling-back') return;
  throw new RerootError(EXIT.wrongUse, `rotation ${ctx.record.id} is being rolled back and can only go back`, {
    hints: ['reroot rollback goes on with it'],
  });
}

async function askBeforeRetire(flags: Flags): Promise<void> {
  if (flags.until !== 'retire' || flags.yes) return;
  if (!process.stdin.isTTY || flags.output === 'json') {
    throw wrongUse(
      'retire drops the old CA and cannot simply be undone: without a terminal it needs --yes',
      'reroot plan --until retire shows what it will do and who stands in its way',
    );
  }
  await demandWord(
    'retire',
    'Retire drops the old CA. What still trusts or presents only old is cut off. Type "retire" to go on: ',
  );
}
