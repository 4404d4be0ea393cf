import { failedSafe, RerootError, reasonOf } from '../../../src/errors.ts';
import type { ClientKind } from '../kinds.ts';
import { startAggregated } from './aggregated.ts';
import { startPodFrozen, startPodKept, startPodReread } from './in-pods.ts';
import { startKubelet } from './kubelet.ts';
import { startFresh, startKept, startReread } from './people.ts';
import { startWatch, type WatchStory } from './watch.ts';
import { startWebhook } from './webhook.ts';
import type { RunningClient, StartClient, World } from './world.ts';
import { startWrite } from './write.ts';

const startOf = (kind: ClientKind, story: WatchStory): StartClient => {
  switch (kind) {
    case 'kept':
      return startKept;
    case 'fresh':
      return startFresh;
    case 'reread':
      return startReread;
    case 'pod-reread':
      return startPodReread;
    case 'pod-frozen':
      return startPodFrozen;
    case 'pod-kept':
      return startPodKept;
    case 'write':
      return startWrite;
    case 'watch':
      return startWatch(story);
    case 'aggregated':
      return startAggregated;
    case 'webhook':
      return startWebhook;
    case 'kubelet':
      return startKubelet;
  }
};

/** Starts the clients side by side; when one cannot begin, the others are stopped again. The watch ends last: it waits for the writes' events. */
export async function startClients(
  kinds: readonly ClientKind[],
  story: WatchStory,
  world: World,
): Promise<RunningClient> {
  const begun = await Promise.allSettled(
    kinds.map(async (kind) => ({ kind, client: await startOf(kind, story)(world) })),
  );
  const running = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(running.filter(({ kind }) => kind !== 'watch').map(({ client }) => client.stop()));
    await Promise.all(running.filter(({ kind }) => kind === 'watch').map(({ client }) => client.stop()));
  };
  const at = begun.findIndex((one) => one.status === 'rejected');
  const refused = begun[at];
  if (refused?.status !== 'rejected') return { stop };
  await stop();
  const reason: unknown = refused.reason;
  throw reason instanceof RerootError
    ? reason
    : failedSafe(`client ${kinds[at]} cannot begin: ${reasonOf(reason)}`, reason);
}
