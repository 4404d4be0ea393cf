// Everything that a full lab is made of, built where it is not in the cache yet.

import { join } from 'node:path';
import { planBuild } from '../../build.ts';
import type { Cached } from '../../cached.ts';
import { type GoBuild, labSources, planGoBuild, runGoBuild } from '../../go-build.ts';
import { cacheFolder } from '../../state.ts';
import type { KubeVersion } from '../../versions.ts';
import type { FullParts } from '../parts.ts';
import { imagesOf, namesOf } from './ask-program.ts';
import { type ContainerdBase, makeContainerdBase, planContainerdBase } from './containerd-base.ts';
import { type DebianRoot, makeDebianRoot, planDebianRoot } from './debian-root.ts';
import { installHostPackages } from './host-packages.ts';
import { pauseOf } from './image-list.ts';
import { type ImageArchive, makeImages, planImages } from './images.ts';
import { makeNodeRoot, type NodeRoot, planNodeRoot } from './node-root.ts';
import { demandArtifacts, demandRights } from './preflight.ts';
import { prune } from './prune.ts';
import { together } from './together.ts';

export interface FullArtifacts extends FullParts {
  containerdBase: string;
}

export interface FullPlan {
  version: KubeVersion;
  program: GoBuild;
  dns: GoBuild;
  pause: GoBuild;
  debian: DebianRoot;
  root: NodeRoot;
  images: ImageArchive;
  base: ContainerdBase;
}

type Say = (line: string) => void;
const GIB = 1024 ** 3;

/** Where everything will be, and whether it can be made: throws with the command that mends it. Writes nothing. */
export function planFull(version: KubeVersion): FullPlan {
  demandRights();
  const program = planBuild(version, 'full');
  const dns = planGoBuild(DNS());
  const pause = planGoBuild(PAUSE());
  const debian = planDebianRoot();
  const root = planNodeRoot(version.version, program.key, debian.key);
  const images = planImages(version.version, [program.key, dns.key, pause.key, debian.key]);
  const base = planContainerdBase(version.version, images.key, root.key);
  const plan = { version, program, dns, pause, debian, root, images, base };
  demandArtifacts(partsOf(plan));
  return plan;
}

const partsOf = ({ program, dns, pause, debian, root, images, base }: FullPlan): Cached[] => [
  ...[program, dns, pause, debian],
  ...[root, images, base],
];

const DNS = (): Parameters<typeof planGoBuild>[0] => ({
  title: 'CoreDNS',
  file: 'coredns',
  sources: labSources('dns'),
  modFile: 'go.mod',
  linkerFlags: '-s -w',
  shelf: join(cacheFolder(), 'full/dns'),
  prefix: '',
  takes: 'about 2 minutes on 2 cores',
  packages: 600,
  needs: 2 * GIB,
});

const PAUSE = (): Parameters<typeof planGoBuild>[0] => ({
  title: 'pause',
  file: 'pause',
  sources: labSources('pause'),
  modFile: 'go.mod',
  linkerFlags: '-s -w',
  shelf: join(cacheFolder(), 'full/pause'),
  prefix: '',
  takes: 'seconds',
  packages: 50,
  needs: GIB / 4,
});

/** Makes what is missing. Ends early, with what was begun taken away, when the signal is raised. */
export async function runFull(plan: FullPlan, say: Say, signal?: AbortSignal): Promise<FullArtifacts> {
  await installHostPackages(say);
  // The compiler takes all cores that there are; Debian waits for the network and the disk meanwhile.
  const [built, debian] = await together(signal, [
    (either) => buildPrograms(plan, say, either),
    (either) => makeDebianRoot(plan.debian, say, either),
  ]);
  const { program, dns, pause } = built;
  const images = imagesOf(program, plan.version.version);
  const root = await makeNodeRoot(plan.root, { debian, program, pause: pauseOf(images) }, say, signal);
  const layers = { program, names: namesOf(program), dns, pause, debian };
  const archive = await makeImages(plan.images, images, layers, say, signal);
  const base = { root, images: archive, program, count: images.length };
  const containerdBase = await makeContainerdBase(plan.base, base, say, signal);
  const pruned = prune(partsOf(plan));
  if (pruned.length > 0) say(`removed ${pruned.length} older parts from the cache`);
  return { program, rootfs: root, images: archive, containerdBase };
}

async function buildPrograms(
  plan: FullPlan,
  say: Say,
  signal: AbortSignal,
): Promise<Record<'program' | 'dns' | 'pause', string>> {
  const program = await runGoBuild(plan.program, say, signal);
  const dns = await runGoBuild(plan.dns, say, signal);
  const pause = await runGoBuild(plan.pause, say, signal);
  return { program, dns, pause };
}

export const prepareFull = async (version: KubeVersion, say: Say, signal?: AbortSignal): Promise<FullArtifacts> =>
  runFull(planFull(version), say, signal);
