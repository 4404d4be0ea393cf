// Where labs and what they are built from live, and what a lab's own file says. docs/lab.md has the layout.

import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { reasonOf, wrongUse } from '../src/errors.ts';

export const DEFAULT_LAB = 'lab';

/** Built binaries, by content. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.REROOT_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'reroot');
}

/**
 * All labs, one folder each. As root they lie in /var/lib, for they run as an ordinary user who cannot look into root's home.
 */
export function labsFolder(env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.()): string {
  if (env.REROOT_LABS) return env.REROOT_LABS;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, 'reroot/labs');
  return uid === 0 ? '/var/lib/reroot/labs' : join(homedir(), '.local/state/reroot/labs');
}

export function labDir(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw wrongUse(`"${name}" is no name for a lab`, 'take up to 32 of a-z, 0-9 and -, such as --name my-lab');
  }
  return join(labsFolder(), name);
}

const labFile = z.object({
  name: z.string(),
  kind: z.enum(['processes', 'full']),
  kubernetes: z.string(),
  /** The first three numbers of the lab's addresses: `127.83.201`. A full lab's nodes have `10.83.201`, inside its own network. */
  network: z.string(),
  nodes: z.array(z.object({ name: z.string(), address: z.string(), controlPlane: z.boolean() })),
  loadBalancer: z.string(),
  /** Whether each node's components can have a host name of their own (user namespaces are allowed). */
  hostNames: z.boolean(),
  /** Digest of the CA certificates that were given by --with-ca. */
  givenCAs: z.string().optional(),
  /** No CA key is on the nodes, and the controller managers sign nothing. */
  withoutCAKey: z.boolean().optional(),
  /** making: `up` is at work or was killed; going: `down` is. */
  phase: z.enum(['making', 'up', 'going']),
  /** What a full lab's nodes are made of, in the cache. */
  parts: z
    .object({ program: z.string(), rootfs: z.string(), images: z.string(), containerdBase: z.string() })
    .optional(),
  /** The bundled command that the supervisor and the load balancer run, and the Node that runs it. */
  program: z.object({ node: z.string(), script: z.string() }),
});
export type LabFile = z.infer<typeof labFile>;
export type LabNode = LabFile['nodes'][number];

/** undefined when there is no lab in the folder, or one whose making was killed before its file was written. */
export function readLab(dir: string): LabFile | undefined {
  const path = join(dir, 'lab.json');
  if (!existsSync(path)) return undefined;
  try {
    return labFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (thrown) {
    throw wrongUse(`${path} is not a lab's file: ${reasonOf(thrown)}`, 'reroot lab down removes what is there');
  }
}

/** undefined also where the file cannot be read. */
export function readLabOrNone(dir: string): LabFile | undefined {
  try {
    return readLab(dir);
  } catch {
    return undefined;
  }
}

export function writeLab(dir: string, lab: LabFile): void {
  const path = join(dir, 'lab.json');
  writeFileSync(`${path}.tmp`, `${JSON.stringify(lab, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** All labs whose file can be read, by folder. */
export function allLabs(): LabFile[] {
  const folder = labsFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => readLabOrNone(join(folder, name)) ?? []);
}
