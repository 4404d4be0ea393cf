// Clients in pods: in-cluster configuration, which is a token file, a CA file and the server's address.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../../src/errors.ts';
import type { Failure } from '../failure.ts';
import { type Client, httpsClient, secureContext } from '../https-client.ts';
import type { ClientPod } from '../objects.ts';
import { startPace } from '../pace.ts';
import type { PlacedPod } from '../pods.ts';
import { PAGE } from './people.ts';
import { MOST_UNDER_WAY, type ProcessWorld, type RunningClient, type StartClient } from './world.ts';

/** Reads CA and token for each request; a new connection for each. */
export const startPodReread: StartClient<ProcessWorld> = (world) =>
  inPod(world, 'pod-reread', 'reread', MOST_UNDER_WAY, ({ volume }) => {
    const ca = caFile(volume);
    return httpsClient({ server: world.lab.server, context: ca, token: tokenFile(volume), keep: false });
  });

/** Keeps the CA that it read at its start, as client-go before 0.36 does; a new connection for each request. */
export const startPodFrozen: StartClient<ProcessWorld> = (world) =>
  inPod(world, 'pod-frozen', 'frozen', MOST_UNDER_WAY, ({ volume }) => {
    const context = caFile(volume)();
    return httpsClient({ server: world.lab.server, context: () => context, token: tokenFile(volume), keep: false });
  });

/** One kept connection; reads the CA when it has to connect anew, the token for each request. */
export const startPodKept: StartClient<ProcessWorld> = (world) =>
  inPod(world, 'pod-kept', 'kept', 1, ({ volume }) =>
    httpsClient({ server: world.lab.server, context: caFile(volume), token: tokenFile(volume), keep: true }),
  );

const tokenFile = (volume: string) => (): string => readFileSync(join(volume, 'token'), 'utf8').trim();
const caFile = (volume: string) => () => secureContext({ ca: readFileSync(join(volume, 'ca.crt'), 'utf8') });

/** Lives as long as its pod, and again in the pod that takes its place. */
async function inPod(
  world: ProcessWorld,
  kind: string,
  app: ClientPod,
  limit: number,
  clientIn: (pod: PlacedPod) => Client,
): Promise<RunningClient> {
  let life = liveIn(await world.pods.next(app));
  let moving: Promise<void> = Promise.resolve();
  let stopped = false;
  return {
    async stop() {
      stopped = true;
      await moving;
      await life.stop();
    },
  };

  function liveIn(pod: PlacedPod): RunningClient {
    const client = clientIn(pod);
    const excused = async (failure: Failure): Promise<boolean> => isOfTheEnd(failure) && world.pods.isGone(pod.uid);
    const pace = startPace(world.rate, limit, async () => {
      await world.recorder.attempt({ kind, excused }, () => client.send({ path: PAGE }));
    });
    world.pods.whenGone(pod.uid, () => {
      moving = moveOn().catch((thrown: unknown) => {
        const text = `no new pod for the client: ${reasonOf(thrown)}`;
        world.tally.failed({ t: Date.now(), kind, class: 'other', text, ms: 0 });
      });
    });
    return {
      async stop() {
        await pace.stop();
        client.close();
      },
    };
  }

  async function moveOn(): Promise<void> {
    world.tally.gone(kind);
    await life.stop();
    if (stopped) return;
    life = liveIn(await world.pods.next(app));
  }
}

/** What a pod's deletion does to its client: the token is worth nothing any more, or the kubelet took the files. */
const isOfTheEnd = ({ class: failureClass, text }: Failure): boolean =>
  failureClass === 'authentication' || text.includes('ENOENT');
