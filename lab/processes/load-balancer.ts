// A TCP load balancer for API servers: sends new connections where /readyz says 200, tries the next when a connect fails, and never
// cuts a connection that is open. While no back end is ready a new one is held for a while: a lone server may just be restarting. Where none has
// ever been ready nothing is held: an API server that starts asks the aggregated ones, and would wait for its own clients.

import { request } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';

const CHECK_MS = 250;
const CHECK_TIMEOUT_MS = 2_000;
/** How long a new connection waits for a back end, and how often it is tried meanwhile. */
const HOLD_MS = 10_000;
const RETRY_MS = 50;

interface Backend {
  host: string;
  port: number;
  ready: boolean;
  wasReady: boolean;
}

const parse = (endpoint: string): { host: string; port: number } => {
  const colon = endpoint.lastIndexOf(':');
  return { host: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)) };
};

/** One route, `LISTEN,LISTEN=BACKEND,BACKEND`, each `HOST:PORT`, or, to listen at, the path of a Unix socket. Runs until it is ended. */
export function balance(route: string): Promise<never> {
  const [doors = '', endpoints = ''] = route.split('=');
  const backends: Backend[] = endpoints
    .split(',')
    .map((endpoint) => ({ ...parse(endpoint), ready: false, wasReady: false }));
  for (const backend of backends) void keepChecking(backend);
  let turn = 0;
  const take = (client: Socket): void => {
    client.on('error', () => client.destroy());
    const until = Date.now() + HOLD_MS;
    const ready = (): Backend[] => inTurn(backends, turn++).filter((backend) => backend.ready);
    let last = false;
    forward(client, ready(), () => {
      if (Date.now() < until && backends.some(({ wasReady }) => wasReady)) return { wait: true, next: ready() };
      // A check may be wrong: before a connection is given up, every back end is tried once.
      const next = last ? [] : inTurn(backends, turn++);
      last = true;
      return { wait: false, next };
    });
  };
  return new Promise((_, reject) => {
    for (const door of doors.split(','))
      createServer({ pauseOnConnect: true }, take)
        .on('error', reject)
        .listen(door.startsWith('/') ? { path: door } : parse(door));
  });
}

/** Beginning with another one each time. */
const inTurn = (backends: readonly Backend[], turn: number): Backend[] =>
  backends.map((_, i) => backends[(turn + i) % backends.length]).filter((b) => b !== undefined);

/** Candidates of the next round; `wait`: there may be some later. */
type Again = () => { wait: boolean; next: Backend[] };

function forward(client: Socket, candidates: Backend[], again: Again): void {
  const backend = candidates.shift();
  if (!backend) {
    hold(client, again);
    return;
  }
  const server = connect(backend.port, backend.host);
  let open = false;
  const giveUp = (): void => void server.destroy();
  client.once('close', giveUp);
  server.once('connect', () => {
    open = true;
    server.setNoDelay(true);
    client.setNoDelay(true);
    client.pipe(server);
    server.pipe(client);
    client.resume();
  });
  server.on('error', () => {
    if (open) return client.destroy();
    client.off('close', giveUp);
    setReady(backend, false);
    return forward(client, candidates, again);
  });
  server.on('close', () => {
    if (open) client.destroy();
  });
}

function hold(client: Socket, again: Again): void {
  const { wait, next } = again();
  if ((next.length === 0 && !wait) || client.destroyed) {
    client.destroy();
    return;
  }
  setTimeout(() => forward(client, next, again), RETRY_MS);
}

async function keepChecking(backend: Backend): Promise<void> {
  for (;;) {
    setReady(backend, await isReady(backend));
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  }
}

function setReady(backend: Backend, ready: boolean): void {
  if (backend.ready === ready) return;
  backend.ready = ready;
  backend.wasReady ||= ready;
  process.stdout.write(`${new Date().toISOString()} ${backend.host} ${ready ? 'ready' : 'not ready'}\n`);
}

/** A new connection each time; the certificate is not verified, as load balancers' health checks do not. */
function isReady({ host, port }: Backend): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = request({
      host,
      port,
      path: '/readyz',
      rejectUnauthorized: false,
      agent: false,
      timeout: CHECK_TIMEOUT_MS,
    });
    ask.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ask.on('timeout', () => ask.destroy(new Error('no answer in time')));
    ask.on('error', () => resolve(false));
    ask.end();
  });
}
