// The form in which `docker save` writes images, and containerd's importer reads them: layers, a configuration each, and manifest.json.

import { createHash } from 'node:crypto';
import type { Image, LayerName } from './image-list.ts';

/** A layer as a tar file; its digest is that of the file as it is, not compressed. */
export type LayerDigests = Readonly<Record<LayerName, string>>;

export interface ArchiveFile {
  name: string;
  text: string;
}

const SEARCH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Go's name for this processor, which images carry. */
export const architecture = (arch: string = process.arch): string => ({ x64: 'amd64', arm64: 'arm64' })[arch] ?? arch;

export const layerFile = (digests: LayerDigests, layer: LayerName): string => `${digests[layer]}.tar`;

/** Everything in the archive but the layers. Nothing in it depends on when or where it was made. */
export function archiveFiles(images: readonly Image[], digests: LayerDigests): ArchiveFile[] {
  const configs = images.map((image) => {
    const text = JSON.stringify(configOf(image, digests));
    return { name: `${createHash('sha256').update(text).digest('hex')}.json`, text };
  });
  const manifest = images.map(({ tag, layers }, i) => ({
    Config: configs[i]?.name,
    RepoTags: [tag],
    Layers: layers.map((layer) => layerFile(digests, layer)),
  }));
  const once = new Map(configs.map((file) => [file.name, file]));
  return [...once.values(), { name: 'manifest.json', text: JSON.stringify(manifest) }];
}

const configOf = ({ layers, entrypoint }: Image, digests: LayerDigests): object => ({
  architecture: architecture(),
  os: 'linux',
  config: { Entrypoint: entrypoint, Env: [SEARCH] },
  rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${digests[layer]}`) },
  history: layers.map((layer) => ({ created_by: `reroot lab: ${layer}` })),
});
