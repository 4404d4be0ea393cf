// The multi-call program of a lab: every Kubernetes component and etcd in one file.

import { join } from 'node:path';
import { type GoBuild, labSources, planGoBuild, runGoBuild } from './go-build.ts';
import { cacheFolder } from './state.ts';
import { type KubeVersion, linkerFlags } from './versions.ts';

/** Bytes. Room for Go's build cache, its modules and the program, with some to spare: a first build was not measured on an empty disk. */
const BUILD_NEEDS = 6 * 1024 ** 3;

/** `processes`: with the stand-in kubelet. `full`: with the real kubelet and kube-proxy. */
export type Flavour = 'processes' | 'full';

export const kubeSources = (): string => labSources('kube');

/** What would be built, from what; checks what the build needs, unless it was done before. Writes nothing. */
export function planBuild(version: KubeVersion, flavour: Flavour = 'processes'): GoBuild {
  const full = flavour === 'full';
  return planGoBuild({
    title: `Kubernetes ${version.version} and etcd`,
    file: 'kube',
    sources: kubeSources(),
    modFile: version.modFile,
    ...(full ? { tag: 'full' } : {}),
    linkerFlags: linkerFlags(version),
    shelf: join(cacheFolder(), full ? 'full/program' : 'kube'),
    prefix: `${version.version}-`,
    takes: full ? '6 to 10 minutes on 2 cores' : '4 to 9 minutes on 2 cores',
    packages: full ? 2_900 : 1_900,
    needs: BUILD_NEEDS,
  });
}

/** The program's path; built, if it is not there. `say` gets a line now and then. */
export const runBuild = runGoBuild;
export type { GoBuild as Build };
