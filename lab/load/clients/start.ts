import { failedSafe, RerootError, reasonOf } from '../../../src/errors.ts';
import type { Backend } from '../backend.ts';
import { type ClientKind, isOutside, type OutsideKind } from '../kinds.ts';
import { startAggregated } from './aggregated.ts';
import { startFresh, startKept, startReread } from './people.ts';
import { startWatch, type WatchStory } from './watch.ts';
import { startWebhook } from './webhook.ts';
import type { RunningClient, StartClient, World } from './world.ts';
import { startWrite } from './write.ts';

const startOutside = (kind: OutsideKind, story: WatchStory): StartClient => {
  switch (kind) {
    case 'kept':
      return startKept;
    case 'fresh':
      return startFresh;
    case 'reread':
      return startReread;
    case 'write':
      return startWrite;
    case 'watch':
      return startWatch(story);
    case 'aggregated':
      return startAggregated;
    case 'webhook':
      return startWebhook;
  }
};

/**
 * Starts the clients side by side; when one cannot begin, the others are stopped again. The watch begins before the writes and ends
 * after them, so that every event is its to see.
 */
export async function startClients(
  kinds: readonly ClientKind[],
  story: WatchStory,
  world: World,
  backend: Pick<Backend, 'startInside'>,
): Promise<RunningClient> {
  const start = async (kind: ClientKind): Promise<RunningClient> => {
    try {
      const begin = isOutside(kind) ? startOutside(kind, story) : backend.startInside(kind);
      return await begin(world);
    } catch (thrown) {
      if (thrown instanceof RerootError) throw thrown;
      throw failedSafe(`client ${kind} cannot begin: ${reasonOf(thrown)}`, thrown);
    }
  };
  const watch = kinds.includes('watch') ? await start('watch') : undefined;
  const others = await Promise.allSettled(kinds.filter((kind) => kind !== 'watch').map(start));
  const stop = async (): Promise<void> => {
    await Promise.all(others.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)));
    await watch?.stop();
  };
  const refused = others.find((one) => one.status === 'rejected');
  if (refused === undefined) return { stop };
  await stop();
  throw refused.reason;
}
