// The full lab's part of a load: its pods are real, and what they say is collected on their nodes.

import { z } from 'zod';
import { loadClients } from '../../full/workloads/clients.ts';
import { makeLoadSite, onSite } from '../../full/workloads/make.ts';
import { awaitReady, ensureAll, pathOf } from '../../full/workloads/ready.ts';
import type { Api } from '../api.ts';
import type { Backend } from '../backend.ts';
import type { RunningClient, StartClient } from '../clients/world.ts';
import type { FullKind } from '../kinds.ts';
import type { FullTarget } from '../lab-target.ts';
import { isTrue, waitFor } from '../wait.ts';
import { createCollector } from './collector.ts';
import { CLIENT_PODS_PATH, clientPods } from './pods.ts';
import { tailOver } from './tail.ts';

/** What a client does in its last second is on its log a second later, and here when its tail has looked. */
const LAST_WORDS_MS = 15_000;
const FIRST_WORDS_MS = 120_000;

export function fullBackend(lab: FullTarget, api: Api, say: (line: string) => void): Backend {
  const collector = createCollector({
    look: () => clientPods(api),
    tail: (pod, take) => tailOver(lab.sshConfig, pod.log, take),
  });
  return {
    async prepare(_kinds, rate) {
      await onSite(lab, api, say, makeLoadSite);
      await renewClients(lab, api, rate);
    },
    startInside: (kind) => collect(kind),
    waitingMs: () => collector.waitingMs(),
    lives: () => collector.lives(),
    stop: () => collector.stop(),
  };

  function collect(kind: FullKind): StartClient {
    return async ({ tally }): Promise<RunningClient> => {
      await waitFor(`word from the load's pods of kind ${kind}`, FIRST_WORDS_MS, async () => {
        const heard = collector.heard(kind);
        return isTrue(heard.length > 0 && heard.every(({ until }) => until > 0));
      });
      collector.open(kind, tally);
      return {
        async stop() {
          const end = Date.now();
          collector.close(kind);
          const silent = () => collector.heard(kind).filter(({ until }) => until < end);
          // One that is not heard of may have failed in anything: that is a failure too.
          await waitFor('last words', LAST_WORDS_MS, async () => isTrue(silent().length === 0)).catch(() => {
            for (const { pod } of silent())
              tally.failed({
                t: Date.now(),
                kind,
                class: 'other',
                text: `no word from ${pod} any more`,
                ms: Date.now() - end,
              });
          });
        },
      };
    };
  }
}

const items = z.object({ items: z.array(z.unknown()) });

/** All of them, for what a client has in memory is as old as its pod. */
async function renewClients(lab: FullTarget, api: Api, rate: number): Promise<void> {
  const clients = loadClients(rate, lab.kubernetes);
  await Promise.all(clients.map((one) => api.remove(pathOf(one))));
  await waitFor("the pods of an earlier load's clients gone", 180_000, async () =>
    isTrue(items.parse(await api.get(CLIENT_PODS_PATH)).items.length === 0),
  );
  await ensureAll(api, clients);
  await awaitReady(api, clients.map(pathOf));
}
