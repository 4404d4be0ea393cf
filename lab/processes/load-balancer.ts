// A TCP load balancer for API servers: sends new connections where /readyz says 200, tries the next when a connect fails, and never
// cuts a connection that is open. While no back end takes connections a new one is held for a while: a lone server may just be restarting.

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
}

const parse = (endpoint: string): { host: string; port: number } => {
  const colon = endpoint.lastIndexOf(':');
  return { host: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)) };
};

/** One route, `LISTEN=BACKEND,BACKEND`, each `HOST:PORT`. Runs until it is ended. */
export function balance(route: string): Promise<never> {
  const [listen = '', endpoints = ''] = route.split('=');
  const backends: Backend[] = endpoints.split(',').map((endpoint) => ({ ...parse(endpoint), ready: false }));
  for (const backend of backends) void keepChecking(backend);
  let turn = 0;
  const server = createServer({ pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    const until = Date.now() + HOLD_MS;
    forward(client, inTurn(backends, turn++), () => (Date.now() < until ? inTurn(backends, turn++) : []));
  });
  return new Promise((_, reject) => {
    server.on('error', reject);
    server.listen(parse(listen));
  });
}

/** Ready ones first, beginning with another one each time; then the rest, for a check may be late. */
function inTurn(backends: readonly Backend[], turn: number): Backend[] {
  const ordered = backends.map((_, i) => backends[(turn + i) % backends.length]).filter((b) => b !== undefined);
  return [...ordered.filter(({ ready }) => ready), ...ordered.filter(({ ready }) => !ready)];
}

/** `again` gives the candidates of the next round; none when the time is over. */
function forward(client: Socket, candidates: Backend[], again: () => Backend[]): void {
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

function hold(client: Socket, again: () => Backend[]): void {
  const next = again();
  if (next.length === 0 || client.destroyed) return void client.destroy();
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
