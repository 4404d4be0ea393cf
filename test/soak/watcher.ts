// A second program that watches budgets and Services while reroot works: kubectl's own watches, every change of them, and no code of reroot's.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FullLab } from '../full/harness.ts';

interface Condition {
  type: string;
  status: string;
}
interface Watched {
  type: string;
  object: {
    metadata: { name: string; namespace: string; labels?: Record<string, string>; deletionTimestamp?: string };
    status?: { conditions?: Condition[]; phase?: string };
    endpoints?: { conditions?: { ready?: boolean } }[];
  };
}

export interface Watch {
  /** Ends it; the lowest count that was seen at any moment, by `namespace/app` and by `namespace/service`. */
  stop(): Promise<{ ready: Map<string, number>; endpoints: Map<string, number>; changes: number }>;
}

/** Milliseconds for the first list of both. */
const LIST_LIMIT = 60_000;

/** Begins once the first list of both was read. `apps`: `namespace/app`, counted by their pods' label `app`. */
export async function watchReady(lab: FullLab, apps: readonly string[]): Promise<Watch> {
  const pods = new Map<string, { app: string; ready: boolean }>();
  const slices = new Map<string, { service: string; ready: number }>();
  const ready = new Map<string, number>();
  const endpoints = new Map<string, number>();
  let changes = 0;
  let counting = false;
  const lower = (lowest: Map<string, number>, key: string, now: number): void => {
    if (counting && now < (lowest.get(key) ?? Number.POSITIVE_INFINITY)) lowest.set(key, now);
  };
  const readyOf = (app: string): number => [...pods.values()].filter((pod) => pod.app === app && pod.ready).length;
  const endpointsOf = (service: string): number =>
    [...slices.values()].filter((slice) => slice.service === service).reduce((sum, slice) => sum + slice.ready, 0);

  const onPod = ({ type, object: { metadata, status } }: Watched): void => {
    changes += 1;
    const id = `${metadata.namespace}/${metadata.name}`;
    const app = `${metadata.namespace}/${metadata.labels?.app ?? ''}`;
    const isReady = (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
    if (type === 'DELETED') pods.delete(id);
    else pods.set(id, { app, ready: isReady && metadata.deletionTimestamp === undefined });
    if (apps.includes(app)) lower(ready, app, readyOf(app));
  };
  const onSlice = ({ type, object: { metadata, endpoints: all } }: Watched): void => {
    changes += 1;
    const service = `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
    const count = (all ?? []).filter(({ conditions }) => conditions?.ready !== false).length;
    if (type === 'DELETED') slices.delete(`${metadata.namespace}/${metadata.name}`);
    else slices.set(`${metadata.namespace}/${metadata.name}`, { service, ready: count });
    if (endpoints.has(service)) lower(endpoints, service, endpointsOf(service));
  };

  const children = [watching(lab, 'pods', onPod), watching(lab, 'endpointslices', onSlice)];
  // Each list comes at once and whole; two quiet seconds after it everything that was there is known.
  const until = Date.now() + LIST_LIMIT;
  for (let before = -1; before !== changes || pods.size === 0 || slices.size === 0; ) {
    if (Date.now() > until)
      throw new Error(`kubectl's watches gave ${pods.size} pods and ${slices.size} slices, and no end`);
    before = changes;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  for (const app of apps) ready.set(app, readyOf(app));
  for (const { service } of slices.values()) if (endpointsOf(service) > 0) endpoints.set(service, endpointsOf(service));
  counting = true;
  changes = 0;
  return {
    async stop() {
      for (const child of children) {
        if (child.exitCode !== null)
          throw new Error(`kubectl ended by itself with ${child.exitCode}: the watch has a gap`);
        const ended = once(child, 'exit');
        child.kill();
        await ended;
      }
      return { ready, endpoints, changes };
    },
  };
}

/** kubectl prints one object after another: each on a line of its own, or over many with a closing brace at the first column. */
function watching(lab: FullLab, kind: string, on: (change: Watched) => void): ChildProcess {
  const args = ['get', kind, '--all-namespaces', '--watch', '--output-watch-events', '-o', 'json'];
  const child = spawn(join(lab.dir, 'bin', 'kubectl'), ['--kubeconfig', join(lab.dir, 'kubeconfig'), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    const isWhole = lines.length === 1 ? line.startsWith('{') && line.endsWith('}') : line === '}';
    if (!isWhole) return;
    on(JSON.parse(lines.join('\n')) as Watched);
    lines = [];
  });
  return child;
}
