// Plays the ReplicaSet of the load's pods: knows which live, and makes another when one is gone.

import type { Api } from './api.ts';
import type { ProcessTarget } from './lab-target.ts';
import type { ClientPod } from './objects.ts';
import { livingPods, type PlacedPod, placePod } from './pods.ts';

const LOOK_EVERY_MS = 500;

export interface PodLife {
  /** The client in it. */
  app: string;
  name: string;
  from: number;
  /** When it was seen gone; absent while it lives. */
  to?: number;
}

export interface PodKeeper {
  /** The next pod for this client: `frozen`, after that one `frozen-2`, and so on. */
  next(app: ClientPod): Promise<PlacedPod>;
  /** Asks now. When the cluster does not answer, the pod is taken to live. */
  isGone(uid: string): Promise<boolean>;
  /** Calls once when the pod is seen gone. */
  whenGone(uid: string, act: () => void): void;
  lives(): PodLife[];
  stop(): void;
}

export function createPodKeeper(api: Api, lab: ProcessTarget): PodKeeper {
  const lives = new Map<string, PodLife>();
  const watched = new Map<string, () => void>();
  const living = (): Promise<Set<string> | undefined> => livingPods(api).catch(() => undefined);

  async function look(): Promise<void> {
    const alive = watched.size > 0 ? await living() : undefined;
    if (!alive) return;
    for (const [uid, act] of [...watched].filter(([uid]) => !alive.has(uid))) {
      watched.delete(uid);
      const life = lives.get(uid);
      if (life) life.to = Date.now();
      act();
    }
  }
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, LOOK_EVERY_MS);

  return {
    async next(app) {
      const nth = [...lives.values()].filter((life) => life.app === app).length + 1;
      const name = nth === 1 ? app : `${app}-${nth}`;
      const placed = await placePod(api, lab, app, name);
      lives.set(placed.uid, { app, name, from: Date.now() });
      return placed;
    },
    async isGone(uid) {
      const alive = await living();
      return alive !== undefined && !alive.has(uid);
    },
    whenGone: (uid, act) => void watched.set(uid, act),
    lives: () => [...lives.values()],
    stop: () => clearInterval(timer),
  };
}
