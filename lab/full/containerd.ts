// What a node's containerd starts with: all images, without a registry.

import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.ts';
import type { FullParts } from './parts.ts';
import type { FullPlace } from './place.ts';

/** What containerd writes in place (bbolt); all other files of a base are only ever read, and nodes share them by hard links. */
const WRITTEN = [
  'io.containerd.metadata.v1.bolt/meta.db',
  'io.containerd.snapshotter.v1.overlayfs/metadata.db',
] as const;

/** Fills the node's /var/lib/containerd while the node does not run; replaces what is there. */
export async function fillContainerd(
  place: FullPlace,
  node: string,
  parts: FullParts,
  signal?: AbortSignal,
): Promise<void> {
  const folder = place.node(node, 'containerd');
  rmSync(folder, { recursive: true, force: true });
  const options = signal ? { signal } : {};
  try {
    await command(place, ['cp', '--archive', '--link', parts.containerdBase, folder], options);
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    // Another file system: no links across.
    rmSync(folder, { recursive: true, force: true });
    await command(place, ['cp', '--archive', '--reflink=auto', parts.containerdBase, folder], options);
  }
  for (const file of WRITTEN) {
    const own = join(folder, file);
    if (!existsSync(own)) continue;
    rmSync(own);
    cpSync(join(parts.containerdBase, file), own, { preserveTimestamps: true });
  }
}
