// `/var/lib/containerd` with all images in it, unpacked: a node starts with links to its files, and imports nothing.

import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, failedSafe, RerootError, reasonOf } from '../../../src/errors.ts';
import { type Cached, once } from '../../cached.ts';
import { cacheFolder } from '../../state.ts';
import { digest } from './digest.ts';
import { BIN } from './image-list.ts';
import { run } from './run.ts';

export interface ContainerdBase extends Cached {
  key: string;
  /** Stands for a node's /var/lib/containerd: never written to. */
  path: string;
}

/** To be raised when `make` changes what comes out. */
const RECIPE = 1;

/** OVERLAYFS_SUPER_MAGIC (linux/magic.h): containerd cannot stack its overlays on one. */
const OVERLAY = 0x794c7630;

/** Writes nothing. */
export function planContainerdBase(version: string, imagesKey: string, rootKey: string): ContainerdBase {
  const shelf = join(cacheFolder(), 'full/containerd');
  const key = digest([RECIPE, imagesKey, rootKey]);
  const folder = join(shelf, `${version}-${key}`);
  const title = `the nodes' images for ${version}`;
  return { title, key, folder, lock: join(shelf, `${version}.lock`), path: join(folder, 'base') };
}

export function demandNoOverlay(folder: string): void {
  let at = folder;
  while (!existsSync(at)) at = dirname(at);
  if (statfsSync(at).type !== OVERLAY) return;
  throw new RerootError(
    EXIT.checkFailed,
    `${folder} is on an overlay file system, and containerd cannot unpack there`,
    {
      hints: ['set REROOT_CACHE and REROOT_LABS to folders on a disk (in a container: in a volume)'],
    },
  );
}

export interface BaseParts {
  /** The nodes' root file system, whose containerd does it. */
  root: string;
  /** The archive. */
  images: string;
  program: string;
  /** How many images there are. */
  count: number;
}

export async function makeContainerdBase(
  plan: ContainerdBase,
  parts: BaseParts,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  await once(plan, say, async (making) => {
    const begun = Date.now();
    const [work, base] = [join(making, 'work'), join(making, 'base')];
    for (const folder of [work, base]) mkdirSync(folder);
    await importInto(base, work, parts, signal);
    rmSync(work, { recursive: true });
    shareProgram(base, parts.program);
    say(`${plan.title}: unpacked in ${Math.round((Date.now() - begun) / 1000)} s`);
  });
  return plan.path;
}

/**
 * containerd as on a node, in namespaces that end with this script; its root file system is an overlay that is thrown away. The images are
 * all there once its CRI plugin has given each of them a second name, the digest of its configuration.
 */
const IMPORT = `set -eu
mount -t tmpfs work "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
R=$1/root
mount -t proc proc "$R/proc"
mount --rbind /sys "$R/sys"
mount --rbind /dev "$R/dev"
mount -t tmpfs run "$R/run"
mkdir -p "$R/var/lib/containerd"
mount --bind "$3" "$R/var/lib/containerd"
touch "$R/mnt/images.tar"
mount --bind "$4" "$R/mnt/images.tar"
exec chroot "$R" sh -euc '
  containerd >/run/containerd.log 2>&1 &
  daemon=$!
  names() { ctr --namespace k8s.io images list --quiet 2>&1; }
  tries=0
  until names >/dev/null && [ -S /run/containerd/containerd.sock ]; do
    tries=$((tries + 1))
    if [ $tries -gt 150 ] || ! kill -0 $daemon; then tail -n 5 /run/containerd.log >&2; exit 1; fi
    sleep 0.2
  done
  ctr --namespace k8s.io images import /mnt/images.tar >/dev/null
  until [ "$(names | grep -c ^sha256:)" -ge "$1" ]; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ]; then echo "not all images arrived:" >&2; names >&2; exit 1; fi
    sleep 0.2
  done
  kill $daemon
  wait $daemon || true
' import "$5"
`;

async function importInto(base: string, work: string, parts: BaseParts, signal?: AbortSignal): Promise<void> {
  const { root, images, count } = parts;
  try {
    await run(['sh', '-c', IMPORT, 'import', work, root, base, images, String(count)], {
      signal,
      apart: 'without network',
    });
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw failedSafe(`containerd did not take the images: ${reasonOf(thrown)}`);
  }
}

/** The program in the unpacked layer becomes the cache's own file: one on disk, and one in memory, for all nodes and containers. */
function shareProgram(base: string, program: string): void {
  const snapshots = join(base, 'io.containerd.snapshotter.v1.overlayfs/snapshots');
  for (const id of readdirSync(snapshots)) {
    const file = join(snapshots, id, 'fs', BIN, 'kube');
    if (!existsSync(file) || statSync(file).size !== statSync(program).size) continue;
    linkSync(program, `${file}.new`);
    renameSync(`${file}.new`, file);
  }
}
