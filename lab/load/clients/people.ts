// Clients with a kubeconfig: people, scripts, pipelines.

import { followingClient, frozenClient } from '../following-client.ts';
import type { Client } from '../https-client.ts';
import { homeAccess } from '../lab-target.ts';
import { NAMESPACE, page } from '../objects.ts';
import { startPace } from '../pace.ts';
import { MOST_UNDER_WAY, type StartClient, type World } from './world.ts';

/** What the reading clients ask for. */
export const PAGE = `/api/v1/namespaces/${NAMESPACE}/configmaps/${page.metadata.name}`;

/** Read its kubeconfig once; one kept connection. */
export const startKept: StartClient = async (world) =>
  reading(world, 'kept', frozenClient(await homeAccess(world.lab, 'kept'), { keep: true }), 1);

/** Read its kubeconfig once, so that it has old trust and the old certificate only; a new connection for each request. */
export const startFresh: StartClient = async (world) =>
  reading(world, 'fresh', frozenClient(await homeAccess(world.lab, 'fresh'), { keep: false }), MOST_UNDER_WAY);

/** Reads its kubeconfig for each request, as each start of kubectl does; a new connection for each. */
export const startReread: StartClient = async (world) =>
  reading(world, 'reread', followingClient(world.lab.kubeconfig, { keep: false }), MOST_UNDER_WAY);

function reading({ rate, recorder }: World, kind: string, client: Client, limit: number) {
  const pace = startPace(rate, limit, async () => {
    await recorder.attempt({ kind }, () => client.send({ path: PAGE }));
  });
  return {
    async stop() {
      await pace.stop();
      client.close();
    },
  };
}
