// Builds the multi-call program of a lab, cached by content: the same sources, flags and Go give the same file.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, failedSafe, RerootError } from '../src/errors.ts';
import { startProgress } from './build-progress.ts';
import { withLock } from './lock.ts';
import { cacheFolder } from './state.ts';
import { type KubeVersion, linkerFlags } from './versions.ts';

const GIB = 1024 ** 3;
/** Room for Go's build cache, its modules and the program: measured, see docs/lab.md. */
const BUILD_NEEDS = 6 * GIB;

export interface Go {
  version: string;
  cache: string;
}

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

/** The program's path, built if need be. `say` gets a line now and then. All checks come before anything is written. */
export async function buildKube(version: KubeVersion, say: (line: string) => void): Promise<string> {
  const sources = kubeSources();
  const needed = goDirective(readFileSync(join(sources, version.modFile), 'utf8'));
  const go = findGo(needed);
  const key = contentKey(sources, version, go.version);
  const folder = join(cacheFolder(), 'kube', `${version.version}-${key}`);
  const program = join(folder, 'kube');
  if (!existsSync(program)) {
    demandRoom(go);
    await withLock(
      join(cacheFolder(), 'kube', `${version.version}.lock`),
      { waiting: (holder) => say(`process ${holder} builds Kubernetes ${version.version} already: waiting for it`) },
      async () => {
        if (!existsSync(program)) await compile(sources, version, folder, say);
      },
    );
  }
  const now = new Date();
  utimesSync(folder, now, now);
  return program;
}

/** The `go 1.26.0` line of a go.mod. */
export function goDirective(goMod: string): string {
  const version = /^go (\d+\.\d+(?:\.\d+)?)$/m.exec(goMod)?.[1];
  if (!version) throw new Error('a go.mod without a go line');
  return version;
}

/** Go since 1.21 fetches a newer Go by itself when a go.mod asks for it, unless GOTOOLCHAIN forbids that. */
export function findGo(needed: string, env: NodeJS.ProcessEnv = process.env): Go {
  const asked = spawnSync('go', ['env', '-json', 'GOVERSION', 'GOTOOLCHAIN', 'GOCACHE'], {
    env,
    encoding: 'utf8',
    cwd: '/',
  });
  if (asked.error) {
    throw notReady(
      `a lab is built with Go ${needed} or newer, and there is no go in PATH`,
      'apt-get install golang-go, if it is 1.21 or newer (it fetches the rest), or https://go.dev/dl/',
      'then: export PATH=$PATH:/usr/local/go/bin',
    );
  }
  if (asked.status !== 0) throw notReady(`"go env" failed: ${asked.stderr.trim()}`);
  const { GOVERSION = '', GOTOOLCHAIN = '', GOCACHE = '' } = JSON.parse(asked.stdout) as Record<string, string>;
  const version = GOVERSION.replace(/^go/, '').split(' ')[0] ?? '';
  const fetches = !olderThan(version, '1.21') && GOTOOLCHAIN !== 'local' && !GOTOOLCHAIN.startsWith('go');
  if (olderThan(version, needed) && !fetches) {
    throw notReady(
      `a lab is built with Go ${needed} or newer, and this is ${version || 'unknown'}`,
      olderThan(version, '1.21')
        ? 'a newer one: https://go.dev/dl/'
        : 'let Go fetch it: GOTOOLCHAIN=auto reroot lab up',
    );
  }
  return { version: olderThan(version, needed) ? `${version}+${needed}` : version, cache: GOCACHE };
}

export function olderThan(version: string, than: string): boolean {
  const numbers = (text: string): number[] => text.split(/[.rcbeta]+/).map((part) => Number(part) || 0);
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < b.length; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0);
  return false;
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
  sources: string,
  version: KubeVersion,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  say(
    `building Kubernetes ${version.version} and etcd from their Go modules, once: about 5 minutes on 2 cores, seconds if Go has built them before`,
  );
  const progress = startProgress(say);
  const args = ['build', '-v', '-trimpath', `-modfile=${version.modFile}`, '-mod=readonly', '-buildvcs=false'];
  const child = spawn('go', [...args, '-ldflags', linkerFlags(version), '-o', join(making, 'kube'), '.'], {
    cwd: sources,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
  });
  let tail = '';
  child.stderr.on('data', (chunk: Buffer) => {
    progress.saw(String(chunk));
    tail = (tail + String(chunk)).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const took = progress.stop();
  if (code !== 0) {
    rmSync(making, { recursive: true, force: true });
    const why = tail
      .trim()
      .split('\n')
      .filter((line) => !/^[\w./-]+$/.test(line))
      .slice(-6)
      .join('\n  ');
    throw failedSafe(
      `the build of Kubernetes ${version.version} failed:\n  ${why}`,
      undefined,
      'is the Go module proxy reachable? go env GOPROXY',
    );
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
  say(`built in ${took} s`);
}
