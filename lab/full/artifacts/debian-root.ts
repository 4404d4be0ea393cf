// Debian for the nodes, by mmdebstrap from this machine's own apt sources; one for all versions of Kubernetes.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, failedSafe, RerootError, reasonOf } from '../../../src/errors.ts';
import { type Cached, once } from '../../cached.ts';
import { cacheFolder } from '../../state.ts';
import { type AptSources, aptSources } from './apt-sources.ts';
import { digest } from './digest.ts';
import { LEFT_OUT, NODE_PACKAGES } from './node-recipe.ts';
import { run } from './run.ts';

export interface DebianRoot extends Cached {
  key: string;
  sources: AptSources;
  /** The root file system: never written to. */
  root: string;
}

/** To be raised when `make` changes what comes out. */
const RECIPE = 1;

/** Writes nothing. */
export function planDebianRoot(): DebianRoot {
  const sources = aptSources();
  if (!sources) {
    throw new RerootError(
      EXIT.checkFailed,
      "the full lab's nodes are made of Debian, and this machine's apt has none",
      {
        hints: [
          'it takes the entries of /etc/apt/sources.list and sources.list.d with the suite of /etc/os-release and "main"',
          'or take the process lab, which needs none: --kind processes',
        ],
      },
    );
  }
  const key = digest([RECIPE, process.arch, sources, NODE_PACKAGES, LEFT_OUT]);
  const shelf = join(cacheFolder(), 'full/debian');
  const folder = join(shelf, `${sources.codename}-${key}`);
  const title = `the nodes' Debian ${sources.codename}`;
  return { title, key, sources, folder, lock: join(shelf, 'debian.lock'), root: join(folder, 'root') };
}

export async function makeDebianRoot(
  plan: DebianRoot,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  await once(plan, say, async (making) => {
    say(`${plan.title}: mmdebstrap with ${NODE_PACKAGES.length} packages and what they need`);
    const begun = Date.now();
    await bootstrap(plan, making, signal);
    say(`${plan.title}: made in ${Math.round((Date.now() - begun) / 1000)} s`);
  });
  return plan.root;
}

async function bootstrap({ sources, title }: DebianRoot, making: string, signal?: AbortSignal): Promise<void> {
  const files = sourceFiles(sources, making);
  const argv = [
    'mmdebstrap',
    '--mode=root',
    '--variant=minbase',
    `--include=${NODE_PACKAGES.join(',')}`,
    // Written to disk when the kernel likes: a root file system that is not whole is thrown away anyway.
    '--dpkgopt=force-unsafe-io',
    ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...(await aptSettings(signal)).map((setting) => `--aptopt=${setting}`),
    sources.codename,
    join(making, 'root'),
    ...files,
  ];
  try {
    await run(argv, { signal, apart: 'with network' });
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw failedSafe(
      `${title} could not be made: ${reasonOf(thrown)}`,
      undefined,
      'do the apt sources of this machine answer? apt-get update',
    );
  }
  rmSync(join(making, 'sources'), { recursive: true });
}

function sourceFiles({ lines, stanzas }: AptSources, making: string): string[] {
  const folder = join(making, 'sources');
  mkdirSync(folder);
  const texts = { 'debian.list': lines, 'debian.sources': stanzas };
  return Object.entries(texts).flatMap(([name, text]) => {
    if (text === '') return [];
    writeFileSync(join(folder, name), `${text}\n`);
    return [join(folder, name)];
  });
}

/** How this machine's apt gets at its sources; mmdebstrap starts from apt's defaults. */
const SETTINGS = /^(Acquire::(https?::.*|Check-Valid-Until|Check-Date)) "(.+)";$/;

async function aptSettings(signal?: AbortSignal): Promise<string[]> {
  const dump = await run(['apt-config', 'dump', '--no-empty'], { signal });
  return settingsOf(dump);
}

export const settingsOf = (dump: string): string[] =>
  dump.split('\n').flatMap((line) => {
    const [, name, , value] = SETTINGS.exec(line) ?? [];
    return name === undefined ? [] : [`${name} "${value}"`];
  });
