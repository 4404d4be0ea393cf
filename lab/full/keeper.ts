// What stays beside a lab's nodes: the load balancer in the hub's namespace, and the relay from the host's loopback to it.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { failedSafe } from '../../src/errors.ts';
import { isAlive, markOf, type ProcessMark, sameProcess } from '../proc.ts';
import { readLab } from '../state.ts';
import { fullEnvironment } from './command.ts';
import { API_PORT, type FullPlace, fullPlaceOf, outsideAddress } from './place.ts';

const AGAIN_MS = 200;

/** Runs until SIGTERM. The hub's process is started again whenever it ends. */
export async function keep(dir: string): Promise<void> {
  const lab = readLab(dir);
  if (!lab) throw new Error(`${dir} is no lab`);
  const place = fullPlaceOf(dir, lab);
  let hub: ChildProcess | undefined;
  let ending = false;
  process.once('SIGTERM', () => {
    ending = true;
    hub?.kill('SIGKILL');
  });
  await relay(place);
  while (!ending) {
    rmSync(place.socket, { force: true });
    hub = startHub(place);
    await new Promise((resolve) => hub?.once('exit', resolve).once('error', resolve));
    if (!ending) await pause(AGAIN_MS);
  }
  process.exit(0);
}

/** One load balancer with two doors: the lab's own network, and a Unix socket, which network namespaces do not part. */
function startHub(place: FullPlace): ChildProcess {
  const { node, script } = place.lab.program;
  const doors = [`${place.lab.loadBalancer}:${API_PORT}`, place.socket].join(',');
  const backends = place.planes.map(({ address }) => `${address}:${API_PORT}`).join(',');
  const argv = [`--net=${place.netns()}`, node, script, 'lab', '_balance', `${doors}=${backends}`];
  return spawn('nsenter', argv, { stdio: ['ignore', 'inherit', 'inherit'], env: fullEnvironment(place.dir) });
}

/** From `127.A.B.10:6443` to the socket. */
function relay(place: FullPlace): Promise<void> {
  const server = createServer({ pauseOnConnect: true }, (client) => {
    const hub = dial(place.socket);
    joinUp(client, hub);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(API_PORT, outsideAddress(place.lab.network), resolve);
  });
}

function joinUp(client: Socket, hub: Socket): void {
  client.setNoDelay(true);
  client.on('error', () => hub.destroy());
  hub.on('error', () => client.destroy());
  client.on('close', () => hub.destroy());
  hub.on('close', () => client.destroy());
  client.pipe(hub);
  hub.pipe(client);
  client.resume();
}

const markFile = (place: FullPlace): string => place.run('keeper.json');

/** It outlives whoever starts it. */
export function startKeeper(place: FullPlace): void {
  const { node, script } = place.lab.program;
  const log = openSync(place.run('keeper.log'), 'a', 0o600);
  const child = spawn(node, [script, 'lab', '_keep', place.dir], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: fullEnvironment(place.dir),
  });
  closeSync(log);
  child.unref();
  writeFileSync(markFile(place), JSON.stringify(markOf(child.pid ?? 0) ?? {}));
}

export function keeperOf(place: FullPlace): ProcessMark | undefined {
  try {
    const mark = JSON.parse(readFileSync(markFile(place), 'utf8')) as ProcessMark;
    return sameProcess(mark) && isAlive(mark.pid) ? mark : undefined;
  } catch {
    return undefined;
  }
}

const START_MS = 20_000;

/** Until the relay takes connections. */
export async function awaitKeeper(place: FullPlace, signal?: AbortSignal): Promise<void> {
  const until = Date.now() + START_MS;
  while (!(await accepts(outsideAddress(place.lab.network), API_PORT))) {
    if (!keeperOf(place) || Date.now() > until)
      throw failedSafe('the relay to the lab does not run', undefined, `see ${place.run('keeper.log')}`);
    await pause(100, undefined, signal ? { signal } : {});
  }
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = dial(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
