// Builds a Go program of the lab, cached by content: the same sources, flags and Go give the same file.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, failedSafe, RerootError } from '../src/errors.ts';
import { startProgress } from './build-progress.ts';
import { type Cached, isCached, once } from './cached.ts';
import { findGo, type Go, goDirective } from './go.ts';

const GIB = 1024 ** 3;

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

/** A folder below `lab/` of this checkout: the bundled command is in dist/, the sources beside it. */
export function labSources(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const sources = join(folder, 'lab', name);
    if (existsSync(join(sources, 'go.mod'))) return sources;
  }
  throw notReady(
    `lab/${name} is not beside this command: labs need a checkout of reroot`,
    'run it from there: node dist/reroot.mjs lab up',
  );
}

export interface GoProgram {
  /** For the lines that say what happens: `Kubernetes 1.36.3 and etcd`. */
  title: string;
  /** The program's file name. */
  file: string;
  sources: string;
  /** Relative to the sources. */
  modFile: string;
  tag?: string;
  linkerFlags: string;
  /** In the cache: programs of the same kind, one folder each. */
  shelf: string;
  /** What the folder's name begins with, such as the version. */
  prefix: string;
  /** How long it takes where Go has built none of it: `about 5 minutes on 2 cores`. */
  takes: string;
  /** Packages that are compiled then. */
  packages: number;
  /** Bytes: room for what Go keeps (compiled packages, modules), and the program. */
  needs: number;
}

export interface GoBuild extends Cached {
  program: GoProgram;
  /** Digest of all that decides what comes out; part of the folder's name. */
  key: string;
  /** Where the program is, once it is built. */
  path: string;
}

/** What would be built, from what; checks what the build needs, unless it was done before. Writes nothing. */
export function planGoBuild(program: GoProgram): GoBuild {
  const go = findGo(goDirective(readFileSync(join(program.sources, program.modFile), 'utf8')));
  const key = contentKey(program, go.version);
  const folder = join(program.shelf, `${program.prefix}${key}`);
  const build: GoBuild = {
    program,
    key,
    folder,
    lock: join(program.shelf, `${program.prefix.replace(/-$/, '') || 'build'}.lock`),
    title: program.title,
    path: join(folder, program.file),
  };
  if (!isCached(build)) demandRoom(program, go);
  return build;
}

/** The program's path; built, if it is not there. `say` gets a line now and then. */
export async function runGoBuild(build: GoBuild, say: (line: string) => void, signal?: AbortSignal): Promise<string> {
  await once(build, say, (making) => compile(build.program, join(making, build.program.file), say, signal));
  return build.path;
}

/** Of the `.go` files, those that the build tag lets in: `//go:build full` and `//go:build !full` are the only lines the lab uses. */
export function filesOfFlavour(files: ReadonlyMap<string, string>, tag: string | undefined): string[] {
  return [...files.keys()].sort().filter((name) => {
    const constraint = /^\/\/go:build (!?)(\w+)$/m.exec(files.get(name) ?? '');
    return !constraint || (constraint[1] === '!') !== (constraint[2] === tag);
  });
}

function contentKey({ sources, modFile, tag, linkerFlags }: GoProgram, go: string): string {
  const read = (name: string): string => readFileSync(join(sources, name), 'utf8');
  const files = new Map(
    readdirSync(sources)
      .filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'))
      .map((name) => [name, read(name)]),
  );
  const hash = createHash('sha256');
  for (const name of [modFile, modFile.replace(/\.mod$/, '.sum')])
    if (existsSync(join(sources, name))) hash.update(`${name}\0`).update(read(name)).update('\0');
  for (const name of filesOfFlavour(files, tag)) hash.update(`${name}\0`).update(files.get(name)!).update('\0');
  return hash
    .update([linkerFlags, go, process.arch, ...(tag ? [tag] : [])].join('\0'))
    .digest('hex')
    .slice(0, 16);
}

function demandRoom({ title, needs }: GoProgram, go: Go): void {
  let folder = go.cache;
  while (folder && !existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder || '/');
  const free = bavail * bsize;
  if (free >= needs) return;
  throw notReady(
    `building ${title} takes up to ${needs / GIB} GiB in ${go.cache}, and ${(free / GIB).toFixed(1)} GiB are free`,
    'make room, or set GOCACHE, GOMODCACHE and REROOT_CACHE to folders where there is some',
    "Go's own caches can be emptied: go clean -cache -modcache",
  );
}

async function compile(
  program: GoProgram,
  output: string,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { title, sources, modFile, tag, linkerFlags } = program;
  say(`building ${title} from Go modules, once: ${program.takes}; seconds, if Go has built them before`);
  const progress = startProgress(say, title, program.packages);
  const args = ['build', '-v', '-trimpath', `-modfile=${modFile}`, '-mod=readonly', '-buildvcs=false'];
  if (tag) args.push('-tags', tag);
  try {
    const failure = await runGo(sources, [...args, '-ldflags', linkerFlags, '-o', output, '.'], progress.saw, signal);
    if (failure !== undefined) {
      throw failedSafe(
        `the build of ${title} failed:\n  ${failure}`,
        undefined,
        'is the Go module proxy reachable? go env GOPROXY',
      );
    }
    say(`${title}: built in ${progress.seconds()} s`);
  } finally {
    progress.stop();
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
  // It ends with us, however we end: two that write one file would spoil it.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'go', ...args], {
    cwd,
    signal,
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
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
