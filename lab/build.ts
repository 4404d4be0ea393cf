// Builds the multi-call program of a lab, cached by content: the same sources, flags and Go give the same file.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, failedSafe, RerootError } from '../src/errors.ts';
import { startProgress } from './build-progress.ts';
import { findGo, type Go, goDirective } from './go.ts';
import { withLock } from './lock.ts';
import { cacheFolder } from './state.ts';
import { type KubeVersion, linkerFlags } from './versions.ts';

const GIB = 1024 ** 3;
/** Room for Go's build cache, its modules and the program, with some to spare: a first build was not measured on an empty disk. */
const BUILD_NEEDS = 6 * GIB;

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

/** The folder lab/kube of this checkout: the bundled command is in dist/, the sources beside it. */
export function kubeSources(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const sources = join(folder, 'lab/kube');
    if (existsSync(join(sources, 'go.mod'))) return sources;
  }
  throw notReady(
    'lab/kube is not beside this command: labs need a checkout of reroot',
    'run it from there: node dist/reroot.mjs lab up',
  );
}

export interface Build {
  sources: string;
  version: KubeVersion;
  /** Of the program, in the cache. */
  folder: string;
}

/** What would be built, from what; checks what the build needs, unless it was done before. Writes nothing. */
export function planBuild(version: KubeVersion): Build {
  const sources = kubeSources();
  const go = findGo(goDirective(readFileSync(join(sources, version.modFile), 'utf8')));
  const key = contentKey(sources, version, go.version);
  const build = { sources, version, folder: join(cacheFolder(), 'kube', `${version.version}-${key}`) };
  if (!existsSync(programOf(build))) demandRoom(go);
  return build;
}

const programOf = ({ folder }: Build): string => join(folder, 'kube');

/** The program's path; built, if it is not there. `say` gets a line now and then. */
export async function runBuild(build: Build, say: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const { version } = build.version;
  if (!existsSync(programOf(build))) {
    await withLock(
      join(cacheFolder(), 'kube', `${version}.lock`),
      { waiting: (holder) => say(`process ${holder} builds Kubernetes ${version} already: waiting for it`) },
      async () => {
        if (!existsSync(programOf(build))) await compile(build, say, signal);
      },
    );
  }
  const now = new Date();
  utimesSync(build.folder, now, now);
  return programOf(build);
}

function contentKey(sources: string, version: KubeVersion, go: string): string {
  const hash = createHash('sha256');
  const mod = version.modFile;
  const files = [
    mod,
    mod.replace(/\.mod$/, '.sum'),
    ...readdirSync(sources)
      .filter((name) => name.endsWith('.go'))
      .sort(),
  ];
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(sources, file)))
      .update('\0');
  return hash
    .update([linkerFlags(version), go, process.arch].join('\0'))
    .digest('hex')
    .slice(0, 16);
}

function demandRoom(go: Go): void {
  let folder = go.cache;
  while (folder && !existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder || '/');
  const free = bavail * bsize;
  if (free >= BUILD_NEEDS) return;
  throw notReady(
    `building Kubernetes takes up to ${BUILD_NEEDS / GIB} GiB in ${go.cache}, and ${(free / GIB).toFixed(1)} GiB are free`,
    'make room, or set GOCACHE, GOMODCACHE and REROOT_CACHE to folders where there is some',
    "Go's own caches can be emptied: go clean -cache -modcache",
  );
}

async function compile(
  { sources, version, folder }: Build,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  say(`building Kubernetes ${version.version} and etcd from their Go modules, once`);
  say('  about 5 minutes on 2 cores; seconds, if Go has built them before');
  const progress = startProgress(say);
  const args = ['build', '-v', '-trimpath', `-modfile=${version.modFile}`, '-mod=readonly', '-buildvcs=false'];
  try {
    const failure = await runGo(
      sources,
      [...args, '-ldflags', linkerFlags(version), '-o', join(making, 'kube'), '.'],
      progress.saw,
      signal,
    );
    if (failure !== undefined) {
      throw failedSafe(
        `the build of Kubernetes ${version.version} failed:\n  ${failure}`,
        undefined,
        'is the Go module proxy reachable? go env GOPROXY',
      );
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(making, folder);
    say(`built in ${progress.seconds()} s`);
  } finally {
    progress.stop();
    rmSync(making, { recursive: true, force: true });
  }
}

/** undefined when it went well, else the last lines that are no package's name. */
function runGo(
  cwd: string,
  args: readonly string[],
  saw: (text: string) => void,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' };
  const child = spawn('go', args, { cwd, signal, stdio: ['ignore', 'ignore', 'pipe'], env });
  let tail = '';
  child.stderr.on('data', (chunk: Buffer) => {
    saw(String(chunk));
    tail = (tail + String(chunk)).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const lines = tail
        .trim()
        .split('\n')
        .filter((line) => !/^[\w./-]+$/.test(line));
      resolve(code === 0 ? undefined : lines.slice(-6).join('\n  '));
    });
  });
}
