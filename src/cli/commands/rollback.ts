import type { Command } from 'commander';
import { planRollback } from '../../core/plan/rollback.ts';
import { EXIT, RerootError } from '../../errors.ts';
import { equip } from '../../rotate/equip.ts';
import { finishRolledBack } from '../../rotate/finish.ts';
import { open } from '../../rotate/open.ts';
import { run } from '../../rotate/run.ts';
import { tellAway } from '../../rotate/tell.ts';
import { turnBack } from '../../rotate/turn-back.ts';
import { observe, underLease } from '../rotation-session.ts';
import { addGlobalFlags, type GlobalFlags } from '../session.ts';
import { addRunFlags, type WishFlags, wishOf } from '../wish-flags.ts';

type Flags = WishFlags & GlobalFlags;

export function registerRollback(root: Command): void {
  const command = root
    .command('rollback')
    .description('back to the old CA, from anywhere before retire drops it; run again to resume');
  addGlobalFlags(addRunFlags(command)).action((flags: Flags) => rollback(flags));
}

async function rollback(flags: Flags): Promise<void> {
  await underLease(flags, async (held) => {
    const { ctx, fresh } = await open(held.world, wishOf(flags));
    if (fresh) {
      throw new RerootError(EXIT.wrongUse, 'no rotation is open, so there is nothing to roll back', {
        hints: ['reroot status shows the last one'],
      });
    }
    held.named(ctx.record.id);
    if (ctx.record.ending === 'rolled-back') return finishRolledBack(ctx);
    await turnBack(ctx);
    await equip(ctx);
    tellAway(ctx);
    await run(ctx, {
      observe: () => observe(held.world, ctx),
      plan: (now) => planRollback(now.inventory, now.rotation, now.now()),
    });
    await finishRolledBack(ctx);
  });
}
