// Manifests in a static pod's shape, and what the supervisor takes from one.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Flags } from './flags.ts';

/**
 * Annotation: a URL that has to answer 200 before the supervisor starts the component for its first time. A pod on a real node is not
 * started either before its kubelet has heard of it from an API server.
 */
const AFTER = 'lab.reroot.dev/after';

/** A static pod as kubeadm writes it, without what only a kubelet needs (probes, image, mounts). */
export function manifestOf(
  component: string,
  command: readonly string[],
  { labels = {}, after }: { labels?: Record<string, string>; after?: string } = {},
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: component,
      namespace: 'kube-system',
      labels: { component, ...labels },
      ...(after === undefined ? {} : { annotations: { [AFTER]: after } }),
    },
    spec: { containers: [{ name: component, command }], hostNetwork: true, priorityClassName: 'system-node-critical' },
  };
}

export const commandOf = (component: string, flags: Flags): string[] => [
  component,
  ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
];

/** Written beside and renamed, so that the supervisor never reads half of it. */
export function writeManifest(path: string, manifest: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, stringify(manifest, { lineWidth: 0 }), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

const shape = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }).default({ annotations: {} }),
  spec: z.object({
    containers: z.tuple([
      z.object({
        command: z.array(z.string()).min(1),
        args: z.array(z.string()).default([]),
        env: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
      }),
    ]),
  }),
});

export interface Start {
  argv: [string, ...string[]];
  env: Record<string, string>;
  /** The URL to wait for before the first start. */
  after?: string;
}

/** The command of the only container, its arguments and its environment. Throws when the text is no such manifest. */
export function readManifest(text: string): Start {
  const { metadata, spec } = shape.parse(parse(text));
  const [{ command, args, env }] = spec.containers;
  const [program = '', ...rest] = [...command, ...args];
  const after = metadata.annotations[AFTER];
  return {
    argv: [program, ...rest],
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    ...(after === undefined ? {} : { after }),
  };
}
