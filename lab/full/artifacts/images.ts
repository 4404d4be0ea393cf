// One archive with all images of a lab's nodes, made without an engine or a registry.

import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Cached, once } from '../../cached.ts';
import { cacheFolder } from '../../state.ts';
import { digest } from './digest.ts';
import { archiveFiles, type LayerDigests, layerFile } from './docker-archive.ts';
import type { Image, LayerName } from './image-list.ts';
import { type LayerParts, plantLayer } from './layers.ts';
import { run } from './run.ts';

export interface ImageArchive extends Cached {
  key: string;
  /** The archive. */
  path: string;
}

/** To be raised when `make` changes what comes out. */
const RECIPE = 1;

/** Writes nothing. `keys`: of the programs and the Debian that the layers are made of. */
export function planImages(version: string, keys: readonly string[]): ImageArchive {
  const key = digest([RECIPE, ...keys]);
  const shelf = join(cacheFolder(), 'full/images');
  const folder = join(shelf, `${version}-${key}`);
  const title = `the images for ${version}`;
  return { title, key, folder, lock: join(shelf, `${version}.lock`), path: join(folder, 'images.tar') };
}

export async function makeImages(
  plan: ImageArchive,
  images: readonly Image[],
  parts: LayerParts,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  await once(plan, say, async (making) => {
    const content = join(making, 'content');
    mkdirSync(content);
    const digests = await makeLayers(images, parts, making, content, signal);
    for (const { name, text } of archiveFiles(images, digests)) writeFileSync(join(content, name), text);
    await tar(content, join(making, 'images.tar'), signal);
    rmSync(content, { recursive: true });
  });
  return plan.path;
}

/** One after another: each is mostly reading and writing. */
async function makeLayers(
  images: readonly Image[],
  parts: LayerParts,
  making: string,
  content: string,
  signal?: AbortSignal,
): Promise<LayerDigests> {
  const digests: Partial<Record<LayerName, string>> = {};
  for (const layer of new Set(images.flatMap(({ layers }) => layers))) {
    const folder = join(making, layer);
    await plantLayer(layer, folder, parts, signal);
    const file = join(making, `${layer}.tar`);
    await tar(folder, file, signal);
    rmSync(folder, { recursive: true });
    digests[layer] = await sha256(file);
    renameSync(file, join(content, layerFile(digests as LayerDigests, layer)));
  }
  return digests as LayerDigests;
}

/** The same bytes for the same tree, whoever makes it and when. */
async function tar(folder: string, file: string, signal?: AbortSignal): Promise<void> {
  const same = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--format=gnu',
    '--mode=a+rX,u+w',
  ];
  await run(['tar', '--create', `--file=${file}`, '--hard-dereference', ...same, `--directory=${folder}`, '.'], {
    signal,
  });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
