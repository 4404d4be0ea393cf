// Making objects, and waiting until the pods behind them are ready.

import { z } from 'zod';
import type { Api } from '../../load/api.ts';
import { isTrue, waitFor } from '../../load/wait.ts';
import { makeNamespace } from '../../load/workloads.ts';
import type { Wanted } from './shapes.ts';

const READY_MS = 180_000;

export const pathOf = ({ path, object }: Wanted): string => `${path}/${object.metadata.name}`;

/** One after another: what is there already gets the fields that are wanted. */
export async function ensureAll(api: Api, all: readonly Wanted[]): Promise<void> {
  for (const { path, object } of all) {
    if (object.kind === 'Namespace') await makeNamespace(api, object);
    else await api.ensure(path, object);
  }
}

/** Made only where there is none: what is there may have been changed since, and rightly. */
export async function makeMissing(api: Api, all: readonly Wanted[]): Promise<void> {
  for (const one of all) {
    if ((await api.get(pathOf(one))) === undefined) await api.create(one.path, one.object);
  }
}

const count = z.number().default(0);
const set = z.object({
  kind: z.string(),
  metadata: z.object({ generation: z.number().optional() }),
  spec: z.object({ replicas: count, parallelism: count }).partial().optional(),
  status: z
    .object({
      observedGeneration: z.number().optional(),
      replicas: count,
      readyReplicas: count,
      updatedReplicas: z.number().optional(),
      desiredNumberScheduled: count,
      numberReady: count,
      ready: count,
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .optional(),
});

/** Whether all pods that the object asks for are ready, and none from before its last change are left. */
export function isReady(object: unknown): boolean {
  const { kind, metadata, spec, status } = set.parse(object);
  if (!status || (status.observedGeneration ?? 0) < (kind === 'Pod' || kind === 'Job' ? 0 : (metadata.generation ?? 0)))
    return false;
  switch (kind) {
    case 'DaemonSet':
      return status.desiredNumberScheduled > 0 && status.numberReady >= status.desiredNumberScheduled;
    case 'Job':
      return status.ready >= (spec?.parallelism ?? 1);
    case 'Pod':
      return status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    default: {
      const all = spec?.replicas ?? 1;
      return status.readyReplicas >= all && status.replicas === all && (status.updatedReplicas ?? all) >= all;
    }
  }
}

export async function awaitReady(api: Api, paths: readonly string[]): Promise<void> {
  await Promise.all(
    paths.map((path) =>
      waitFor(`${path} ready`, READY_MS, async () => isTrue(isReady(await api.get(path))), {
        everyMs: 500,
        hints: ['see why not: kubectl describe pods --namespace THAT'],
      }),
    ),
  );
}
