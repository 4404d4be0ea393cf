// Manifests in a static pod's shape, and what the supervisor takes from one.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Flags } from './flags.ts';

/** A static pod as kubeadm writes it, without what only a kubelet needs (probes, image, mounts). */
export function manifestOf(component: string, command: readonly string[], labels: Record<string, string> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: component, namespace: 'kube-system', labels: { component, ...labels } },
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
}

/** The command of the only container, its arguments and its environment. Throws when the text is no such manifest. */
export function readManifest(text: string): Start {
  const [container] = shape.parse(parse(text)).spec.containers;
  const [program = '', ...args] = [...container.command, ...container.args];
  return { argv: [program, ...args], env: Object.fromEntries(container.env.map(({ name, value }) => [name, value])) };
}
