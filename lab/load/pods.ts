// The pods that the load's clients live in, and the files that the kubelet keeps for them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Api } from './api.ts';
import { type ProcessTarget, projectedVolume } from './lab-target.ts';
import { CLIENT_NODE, CLIENT_PODS, type ClientPod, clientPod, NAMESPACE, TOKEN_VOLUME } from './objects.ts';
import { isTrue, waitFor } from './wait.ts';

export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

export interface PlacedPod {
  app: ClientPod;
  name: string;
  uid: string;
  /** The folder with `ca.crt` and `token`. */
  volume: string;
}

const pod = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().optional() }),
  status: z.object({ phase: z.string().optional() }).optional(),
});

/** A pod for the client, once the kubelet has filled its volume. One of that name that lives already is taken as it is. */
export async function placePod(api: Api, lab: ProcessTarget, app: ClientPod, name: string): Promise<PlacedPod> {
  const there = await api.get(`${PODS}/${name}`);
  const { uid } = pod.parse(there ?? (await api.create(PODS, clientPod(app, name)))).metadata;
  const volume = projectedVolume(lab, CLIENT_NODE, uid, TOKEN_VOLUME);
  // Running as well as filled: the pod's start, as the cluster tells it, must not lie after the moment at which its client reads its CA.
  const isReady = async () => {
    const { status } = pod.parse(await api.get(`${PODS}/${name}`));
    return isTrue(
      status?.phase === 'Running' && existsSync(join(volume, 'ca.crt')) && existsSync(join(volume, 'token')),
    );
  };
  await waitFor(
    `pod ${NAMESPACE}/${name} running, its volume filled by the kubelet of ${CLIENT_NODE}`,
    60_000,
    isReady,
    {
      hints: [`see why not: ${lab.place.log(CLIENT_NODE, 'kubelet')}`],
    },
  );
  return { app, name, uid, volume };
}

/** Takes all client pods away: what a client has in memory is as old as its pod, so a new client wants a new pod. */
export async function removeClientPods(api: Api): Promise<void> {
  const all = `${PODS}?labelSelector=${encodeURIComponent(`app in (${CLIENT_PODS.join(',')})`)}`;
  await api.remove(all, 0);
  const left = async () => z.object({ items: z.array(pod) }).parse(await api.get(all)).items;
  await waitFor('the pods of an earlier load gone', 30_000, async () => isTrue((await left()).length === 0));
}

/** Which of the load's pods the cluster still has, by uid; one that is being deleted does not count. */
export async function livingPods(api: Api): Promise<Set<string>> {
  const list = z.object({ items: z.array(pod) }).parse(await api.get(PODS));
  return new Set(
    list.items.filter((item) => item.metadata.deletionTimestamp === undefined).map((item) => item.metadata.uid),
  );
}
