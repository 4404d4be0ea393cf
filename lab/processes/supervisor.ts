// Keeps every component of a lab running: what a kubelet does for static pods, without containers.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../../src/errors.ts';
import { readLab } from '../state.ts';
import { type Backoff, nextStart } from './backoff.ts';
import { answers } from './health.ts';
import { withHostName } from './identity.ts';
import { type Place, placeOf } from './layout.ts';
import { readManifest } from './manifest.ts';
import { labEnvironment } from './run.ts';

const SCAN_MS = 200;
/** Components that take their identity from the host name: their Leases. */
const NAMED_BY_HOST = new Set(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']);

interface Kept {
  node: string;
  component: string;
  file: string;
  backoff: Backoff;
  startedAt: number;
  /** When it may be started again; undefined while it runs. */
  due?: number;
  child?: ChildProcess;
}

/** Runs until SIGTERM, then stops everything, etcd last. Reads a component's manifest at each of its starts. */
export async function supervise(dir: string): Promise<void> {
  const lab = readLab(dir);
  if (!lab) throw new Error(`${dir} is no lab`);
  const place = placeOf(dir, lab);
  const kept = new Map<string, Kept>();
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  while (!stop.signal.aborted) {
    scan(place, kept);
    await pause(SCAN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  await stopAll([...kept.values()]);
}

function scan(place: Place, kept: Map<string, Kept>): void {
  const found = manifestsOf(place);
  for (const { node, component, file } of found) {
    const key = `${node}/${component}`;
    const known = kept.get(key) ?? { node, component, file, backoff: { short: 0 }, startedAt: 0, due: 0 };
    kept.set(key, known);
    if (known.due !== undefined && Date.now() >= known.due) startWhenItMay(place, known);
  }
  const names = new Set(found.map(({ node, component }) => `${node}/${component}`));
  for (const [key, one] of kept) {
    if (names.has(key)) continue;
    // A manifest that was taken away: the component is stopped, as a kubelet would.
    if (one.child) one.child.kill('SIGTERM');
    else kept.delete(key);
  }
}

function manifestsOf(place: Place): { node: string; component: string; file: string }[] {
  return readdirSync(join(place.dir, 'nodes')).flatMap((node) => {
    const folder = place.etc(node, 'manifests');
    return namesIn(folder)
      .filter((name) => /^[^.].*\.yaml$/.test(name))
      .map((name) => ({ node, component: name.slice(0, -'.yaml'.length), file: join(folder, name) }));
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The first start of a component may have to wait for something that answers. */
function startWhenItMay(place: Place, one: Kept): void {
  const after = one.startedAt === 0 ? afterOf(one.file) : undefined;
  if (after === undefined) {
    start(place, one);
    return;
  }
  delete one.due; // until the answer is there
  void answers(after).then((yes) => {
    if (stopping) return;
    if (yes) start(place, one);
    else one.due = Date.now();
  });
}

function afterOf(file: string): string | undefined {
  try {
    return readManifest(readFileSync(file, 'utf8')).after;
  } catch {
    return undefined; // the start itself says what is wrong
  }
}

function start(place: Place, one: Kept): void {
  const { node, component } = one;
  one.startedAt = Date.now();
  delete one.due;
  let child: ChildProcess;
  try {
    const { argv, env } = readManifest(readFileSync(one.file, 'utf8'));
    const named = place.lab.hostNames && NAMED_BY_HOST.has(component) ? withHostName(node) : [];
    const [program = '', ...args] = [...named, ...argv];
    const log = openLog(place, one);
    child = spawn(program, args, {
      stdio: ['ignore', log, log],
      cwd: place.node(node),
      env: { ...labEnvironment(place), REROOT_NODE: node, REROOT_COMPONENT: component, ...env },
    });
    closeSync(log);
  } catch (thrown) {
    ended(place, one, undefined, { code: null, signal: null, error: reasonOf(thrown) });
    return;
  }
  one.child = child;
  child.once('error', (error) => ended(place, one, child, { code: null, signal: null, error: error.message }));
  child.once('exit', (code, signal) => ended(place, one, child, { code, signal }));
  if (child.pid === undefined) return;
  writePid(place.pid(node, component), child.pid);
  tell(place, { ev: 'start', node, component, pid: child.pid });
}

function openLog(place: Place, { node, component }: Kept): number {
  const path = place.log(node, component);
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a', 0o600);
}

interface End {
  code: number | null;
  signal: string | null;
  error?: string;
}

function ended(place: Place, one: Kept, child: ChildProcess | undefined, end: End): void {
  if (one.child !== child) return;
  const { node, component } = one;
  delete one.child;
  const { delay, after } = nextStart(one.backoff, Date.now() - one.startedAt);
  one.backoff = after;
  one.due = Date.now() + delay;
  rmSync(place.pid(node, component), { force: true });
  tell(place, {
    ev: 'exit',
    node,
    component,
    pid: child?.pid ?? 0,
    ...(end.code === null ? {} : { code: end.code }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    ...(end.error === undefined ? {} : { error: end.error }),
  });
  // Not at the next look: a restart that was asked for should be over as soon as it can.
  if (delay === 0) setImmediate(() => restartNow(place, one));
}

function restartNow(place: Place, one: Kept): void {
  if (one.due !== undefined && !stopping && manifestsOf(place).some(({ file }) => file === one.file)) start(place, one);
}

let stopping = false;

async function stopAll(all: Kept[]): Promise<void> {
  stopping = true;
  const running = (etcd: boolean): Kept[] => all.filter((one) => one.child && (one.component === 'etcd') === etcd);
  for (const [etcd, patience] of [
    [false, 3_000],
    [true, 1_500], // the last members wait in vain for someone to hand their leadership to
  ] as const) {
    for (const one of running(etcd)) one.child?.kill('SIGTERM');
    const until = Date.now() + patience;
    while (running(etcd).length > 0 && Date.now() < until) await pause(20);
    for (const one of running(etcd)) one.child?.kill('SIGKILL');
    while (running(etcd).length > 0) await pause(20);
  }
}

function writePid(path: string, pid: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, `${pid}\n`);
  renameSync(`${path}.tmp`, path);
}

function tell(place: Place, event: { ev: 'start' | 'exit'; node: string; component: string; pid: number }): void {
  appendFileSync(join(place.dir, 'events.jsonl'), `${JSON.stringify({ t: Date.now(), ...event })}\n`);
}
