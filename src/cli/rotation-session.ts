// What rotate and rollback share around their work: the Lease that keeps a second runner out, events, being stopped, and the end.

import { hostname } from 'node:os';
import { ApiError, type Cluster } from '../cluster/client.ts';
import { type HeldLease, holdLease } from '../cluster/lease.ts';
import type { Move } from '../core/model/rotation.ts';
import { discover } from '../discover/discover.ts';
import { EXIT, RerootError, reasonOf, wrongUse } from '../errors.ts';
import type { Context } from '../rotate/context.ts';
import type { Emit, RotationEvent } from '../rotate/events.ts';
import type { World } from '../rotate/open.ts';
import { writeRecord } from '../rotate/record.ts';
import { emitterFor } from '../views/emitter.ts';
import { type GlobalFlags, openSession } from './session.ts';
import { stoppable } from './stoppable.ts';
import { userName } from './user-name.ts';

export interface WithLease {
  world: World;
  /** Names the rotation in every event from now on. */
  named(id: string): void;
  reached(ctx: Context, move: Move): Promise<void>;
}

export async function underLease(flags: GlobalFlags, work: (held: WithLease) => Promise<void>): Promise<void> {
  const session = await openSession(flags);
  const out = emitterFor(flags.output, process.stdout);
  let rotation: string | undefined;
  const emit: World['emit'] = (event) => {
    const full: RotationEvent = { time: new Date().toISOString(), ...(rotation ? { rotation } : {}), ...event };
    out.emit(full);
  };
  const interrupted = (): void =>
    emit({ type: 'warning', message: 'interrupted: the step under way is finished first' });
  await stoppable(async (signal) => {
    const lease = await takeLease(session.cluster, signal, emit);
    lease.lost.addEventListener('abort', () =>
      emit({ type: 'error', message: 'another reroot took the Lease over: this one stops after the step under way' }),
    );
    const stop = AbortSignal.any([signal, lease.lost]);
    const world: World = { ...session, emit, now: () => Date.now(), signal: stop, checkLease: lease.check };
    let exitCode: number = EXIT.done;
    try {
      await work({
        world,
        named: (id) => {
          rotation = id;
        },
        reached: tellReached,
      });
    } catch (thrown) {
      const known = thrown instanceof RerootError ? thrown : undefined;
      exitCode = known?.exitCode ?? EXIT.failedSafe;
      emit({ type: 'error', message: reasonOf(thrown), data: { hints: known?.hints ?? [] } });
      throw thrown;
    } finally {
      await lease.release();
      emit({ type: 'end', message: exitCode === 0 ? 'done' : `ended with exit code ${exitCode}`, data: { exitCode } });
      out.close();
      await session.close?.();
    }
  }, interrupted);
}

function takeLease(cluster: Cluster, signal: AbortSignal, emit: Emit): Promise<HeldLease> {
  const identity = `${userName()}@${hostname()}#${process.pid}`;
  const onWatch = (holder: string, seconds: number): void =>
    emit({
      type: 'warning',
      message: `${holder} held the Lease and does not renew it: watches for ${seconds} s that it stays so, then goes on`,
    });
  return holdLease(cluster, { name: 'reroot', identity, signal, onWatch }).catch(notAllowed);
}

/** Who may not even hold the Lease has come with the wrong kubeconfig. */
function notAllowed(thrown: unknown): never {
  if (thrown instanceof ApiError && (thrown.status === 401 || thrown.status === 403)) {
    throw wrongUse(thrown.message, ...thrown.hints);
  }
  throw thrown;
}

async function tellReached(ctx: Context, move: Move): Promise<void> {
  await writeRecord(ctx.record, ctx.folders, ctx.accessOf);
  const next = move === 'trust' ? 'issue' : 'retire';
  ctx.emit({
    type: 'move',
    move,
    message: `${move} is reached; next: reroot rotate --until ${next}, or back: reroot rollback`,
    data: { state: 'reached' },
  });
}

/** A fresh look, with the rotation's generations told apart. */
export const observe = (world: World, ctx: Context): Promise<Context['inventory']> =>
  discover(world, { now: world.now(), rotation: ctx.rotation, fronts: false });
