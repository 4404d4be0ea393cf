// Which addresses a lab gets: a /24 of its own on loopback, from its name, checked free.

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { EXIT, RerootError, wrongUse } from '../../src/errors.ts';
import { allLabs } from '../state.ts';
import { endpointsOf } from './layout.ts';

/** `127.A.B` for a name: the same each time; `attempt` gives others. 127.0 to 127.15 are left to everyone else. */
export function networkFor(name: string, attempt = 0): string {
  const [a = 0, b = 0] = createHash('sha256').update(`${name}/${attempt}`).digest();
  return `127.${16 + (a % 239)}.${b}`;
}

const TRIES = 16;

export interface NetworkWish {
  name: string;
  controlPlanes: number;
  /** Given by the user: taken or refused, never replaced. */
  network?: string;
  /** What the lab listens on in a network; the process lab's, if not given. */
  endpoints?: (network: string) => Endpoint[];
}

interface Endpoint {
  host: string;
  port: number;
}

/** A network no other lab has and nobody listens on. Throws, naming address and port, before anything is made. */
export async function chooseNetwork(wish: NetworkWish): Promise<string> {
  const endpoints = wish.endpoints ?? ((network: string) => endpointsOf(network, wish.controlPlanes));
  if (wish.network !== undefined) return demand(wish.network, endpoints);
  const others = new Set(
    allLabs()
      .filter(({ name }) => name !== wish.name)
      .map(({ network }) => network),
  );
  let taken = '';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const network = networkFor(wish.name, attempt);
    if (others.has(network)) continue;
    const conflict = await firstTaken(endpoints(network));
    if (conflict === undefined) return network;
    taken = conflict;
  }
  throw portTaken(taken, 'something listens on that port on every address of this machine');
}

async function demand(network: string, endpoints: (network: string) => Endpoint[]): Promise<string> {
  const numbers = network.split('.').map(Number);
  const fits =
    numbers.length === 3 && numbers[0] === 127 && numbers.every((n) => Number.isInteger(n) && n >= 0 && n < 256);
  if (!fits) throw wrongUse(`"${network}" is no network for a lab`, 'such as --network 127.83.201');
  const conflict = await firstTaken(endpoints(network));
  if (conflict === undefined) return network;
  throw portTaken(conflict, 'leave --network out to have another chosen');
}

const portTaken = (endpoint: string, hint: string): RerootError =>
  new RerootError(EXIT.checkFailed, `the lab needs ${endpoint}, and another program listens there`, {
    hints: [`see which: ss -ltnp 'sport = :${endpoint.split(':')[1]}'`, hint],
  });

async function firstTaken(endpoints: readonly Endpoint[]): Promise<string | undefined> {
  for (const { host, port } of endpoints) {
    if (!(await canListen(host, port))) return `${host}:${port}`;
  }
  return undefined;
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
