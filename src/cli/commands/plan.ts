import type { Command } from 'commander';
import { Option } from 'commander';
import type { Move } from '../../core/model/rotation.ts';
import { MOVES } from '../../core/model/rotation.ts';
import { plan } from '../../core/plan/plan.ts';
import { preconditions } from '../../core/plan/preconditions.ts';
import { EXIT } from '../../errors.ts';
import { open } from '../../rotate/open.ts';
import { planText } from '../../views/plan.ts';
import { addGlobalFlags, type GlobalFlags, openSession } from '../session.ts';
import { addWishFlags, type WishFlags, wishOf } from '../wish-flags.ts';

export function registerPlan(root: Command): void {
  const command = root
    .command('plan')
    .description('the steps, their impact and deadline, the proof or the counterexample; changes nothing')
    .addOption(new Option('--until <move>', 'plan to the end of this move').choices([...MOVES]).default('retire'));
  addGlobalFlags(addWishFlags(command)).action((flags: WishFlags & GlobalFlags & { until: Move }) => runPlan(flags));
}

async function runPlan(flags: WishFlags & GlobalFlags & { until: Move }): Promise<void> {
  const session = await openSession(flags);
  const now = Date.now();
  const world = { ...session, emit: () => {}, now: () => now, signal: new AbortController().signal };
  const { ctx, fresh } = await open(world, wishOf(flags));
  const unmet = fresh ? preconditions(ctx.inventory, ctx.rotation, now) : [];
  const made = plan(ctx.inventory, ctx.rotation, flags.until, now);
  if (flags.output === 'json') {
    process.stdout.write(
      `${JSON.stringify({ rotation: fresh ? undefined : ctx.record.id, unmet, plan: made }, undefined, 1)}\n`,
    );
  } else {
    process.stdout.write(
      planText(unmet[0] ? { ...made, refusal: unmet[0] } : made, ctx.inventory, { rotation: ctx.rotation.authorities }),
    );
  }
  const blocked = unmet.length > 0 || made.refusal !== undefined;
  process.exitCode = blocked ? EXIT.blocked : EXIT.done;
}
