// The file trees of the images' layers, put together by hard links where the cache has the files already.

import { chmodSync, copyFileSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BIN, type LayerName } from './image-list.ts';
import { run } from './run.ts';

export interface LayerParts {
  program: string;
  /** The names that the program acts by. */
  names: readonly string[];
  dns: string;
  pause: string;
  /** The nodes' Debian, which kube-proxy's tools and the lab's shell come from. */
  debian: string;
}

/** Makes the folder of a layer. */
export async function plantLayer(layer: LayerName, at: string, parts: LayerParts, signal?: AbortSignal): Promise<void> {
  mkdirSync(at, { recursive: true });
  switch (layer) {
    case 'program':
      plantProgram(at, parts);
      return;
    case 'dns':
      place(parts.dns, join(at, 'coredns'));
      return;
    case 'pause':
      place(parts.pause, join(at, 'pause'));
      return;
    case 'proxy-tools':
      return plantProxyTools(at, parts.debian, signal);
    case 'lab-tools':
      return plantLabTools(at, parts.debian, signal);
  }
}

/** A link to the cache's file, or a copy where the layer is made in another file system. */
function place(file: string, at: string): void {
  mkdirSync(dirname(at), { recursive: true });
  try {
    linkSync(file, at);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EXDEV') throw thrown;
    copyFileSync(file, at);
  }
}

function plantProgram(at: string, { program, names }: LayerParts): void {
  place(program, join(at, BIN, 'kube'));
  for (const name of names) symlinkSync('kube', join(at, BIN, name));
  mkdirSync(join(at, 'tmp'));
  chmodSync(join(at, 'tmp'), 0o1777);
}

/** Of Debian's iptables, what kube-proxy calls by name. */
const IPTABLES = ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);

/** iptables in the flavour that speaks nftables to the kernel, conntrack and nft, with the plugins and libraries they load. */
async function plantProxyTools(at: string, debian: string, signal?: AbortSignal): Promise<void> {
  const inside = async (...argv: string[]): Promise<string> => run(['chroot', debian, ...argv], { signal });
  const tools = ['/usr/sbin/xtables-nft-multi', '/usr/sbin/conntrack', '/usr/sbin/nft'];
  const triplets = readdirSync(join(debian, 'usr/lib')).filter((name) => name.endsWith('-linux-gnu'));
  const plugins = triplets.flatMap((triplet) => {
    const folder = `/usr/lib/${triplet}/xtables`;
    return readdirSync(join(debian, folder)).map((name) => `${folder}/${name}`);
  });
  const libraries = librariesOf(await inside('ldd', ...tools, ...plugins));
  for (const path of [...tools, ...plugins, ...libraries]) {
    // Links are followed inside Debian's root, and the file takes the place of the link.
    const real = (await inside('readlink', '-e', path)).trim();
    place(join(debian, real), join(at, path));
  }
  for (const name of IPTABLES) symlinkSync('xtables-nft-multi', join(at, 'usr/sbin', name));
}

/** From the output of ldd(1): the absolute paths that it resolves libraries to, each once. */
export const librariesOf = (ldd: string): string[] => [
  ...new Set([...ldd.matchAll(/(?:=>\s+|^\s+)(\/\S+)\s+\(0x/gm)].map(([, path]) => path ?? '')),
];

async function plantLabTools(at: string, debian: string, signal?: AbortSignal): Promise<void> {
  place(join(debian, 'bin/busybox'), join(at, 'bin/busybox'));
  const applets = await run(['chroot', debian, 'busybox', '--list'], { signal });
  for (const name of applets.trim().split('\n')) if (name !== 'busybox') symlinkSync('busybox', join(at, 'bin', name));
  mkdirSync(join(at, 'etc'));
  writeFileSync(join(at, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
  writeFileSync(join(at, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
}
