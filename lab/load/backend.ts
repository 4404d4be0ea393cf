// The clients that live in the lab itself: played on the process lab, real pods on the full lab.

import type { Api } from './api.ts';
import { startPodFrozen, startPodKept, startPodReread } from './clients/in-pods.ts';
import { startKubelet } from './clients/kubelet.ts';
import type { ProcessWorld, StartClient } from './clients/world.ts';
import type { ClientKind, FullKind } from './kinds.ts';
import type { ProcessTarget } from './lab-target.ts';
import { createPodKeeper, type PodLife } from './pod-keeper.ts';
import { removeClientPods } from './pods.ts';
import { makeWorkloads } from './workloads.ts';

export interface Backend {
  /** Makes what the load works on. What a client has in memory is as old as its pod, so these are new afterwards. */
  prepare(kinds: readonly ClientKind[], rate: number): Promise<void>;
  startInside(kind: FullKind): StartClient;
  /** By kind, for how long a client has waited, or has not been heard of. */
  waitingMs(): Record<string, number>;
  lives(): PodLife[];
  stop(): void;
}

export function processBackend(lab: ProcessTarget, api: Api): Backend {
  let nodes: string[] = [];
  const pods = createPodKeeper(api, lab);
  return {
    async prepare() {
      nodes = await makeWorkloads(api);
      await removeClientPods(api);
    },
    startInside: (kind) => (world) => startPlayed(kind)({ ...world, lab, pods, nodes }),
    waitingMs: () => ({}),
    lives: () => pods.lives(),
    stop: () => pods.stop(),
  };
}

function startPlayed(kind: FullKind): StartClient<ProcessWorld> {
  switch (kind) {
    case 'pod-reread':
      return startPodReread;
    case 'pod-frozen':
      return startPodFrozen;
    case 'pod-kept':
      return startPodKept;
    case 'kubelet':
      return startKubelet;
    default:
      // clientKinds() lets none of these pass on a process lab.
      throw new Error(`client kind ${kind} needs a full lab`);
  }
}
