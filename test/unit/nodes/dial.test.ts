// Connections through nodes, against a server of this machine: by a command on the node, and which way is taken for what.

import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpsProbe, servedChain } from '../../../src/cluster/wire.ts';
import { type NodeAccess, NodeUnreachable } from '../../../src/nodes/access.ts';
import { type DialTarget, dialer } from '../../../src/nodes/dialer.ts';
import { execAccess } from '../../../src/nodes/exec.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';

const node = execAccess('env', 'n1', 'h1');
const through = (host: string, port: number) => node.dial?.(host, port) ?? Promise.reject(new Error('no dial'));

describe('a connection by a command on the node', () => {
  let echo: Server;
  let port: number;
  beforeEach(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    port = (echo.address() as { port: number }).port;
  });
  afterEach(() => echo.close());

  it('carries bytes of any kind both ways', async () => {
    const stream = await through('127.0.0.1', port);
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 256));
    const got: Buffer[] = [];
    const whole = new Promise<void>((resolve) =>
      stream.on('data', (chunk: Buffer) => {
        got.push(chunk);
        if (Buffer.concat(got).length >= bytes.length) resolve();
      }),
    );

    stream.write(bytes);
    await whole;
    stream.destroy();

    expect(Buffer.concat(got).equals(bytes)).toBe(true);
  });

  it('fails as a refused connection does, with the node in the words', async () => {
    const free = port;
    echo.close();
    const stream = await through('127.0.0.1', free);

    const thrown = await new Promise((resolve) => stream.on('error', resolve));

    expect(thrown).toMatchObject({ code: 'ECONNREFUSED', message: expect.stringMatching(/from n1 to 127\.0\.0\.1:/) });
  });

  it('ends by its signal, and the command with it', async () => {
    const stop = new AbortController();
    const stream = await node.dial?.('127.0.0.1', port, { signal: stop.signal });
    const closed = new Promise((resolve) => stream?.on('close', resolve));
    stream?.on('error', () => {});

    stop.abort(new Error('enough'));

    await closed;
  });

  it('tells a program that is not there', async () => {
    const stream = await execAccess('/nowhere/at-all', 'n1', 'h1').dial?.('127.0.0.1', port);
    const thrown = await new Promise((resolve) => stream?.on('error', resolve));

    expect(thrown).toMatchObject({ code: 'EHOSTUNREACH' });
  });
});

describe('probes over a connection through a node', () => {
  let api: TestApi;
  let port: number;
  beforeEach(async () => {
    api = await startApi();
    port = Number(new URL(api.url).port);
  });
  afterEach(() => api.close());
  const dial = ({ host, port }: DialTarget) => through(host, port);

  it('reads the chain and the answer as from here', async () => {
    api.before = () => ({ status: 401, body: 'no' });

    const direct = await servedChain('127.0.0.1', port);
    const served = await servedChain('127.0.0.1', port, { dial });
    const answer = await httpsProbe({
      host: '127.0.0.1',
      port,
      path: '/readyz',
      dial,
      ca: api.authority.certificate.pem,
    });

    expect(served.chain).toEqual(direct.chain);
    expect(answer).toEqual({ kind: 'status', status: 401, body: 'no' });
  });

  it('tells nobody listening and a node that is away', async () => {
    const at = { host: '127.0.0.1', port: 1, path: '/' };
    const away = () => Promise.reject(Object.assign(new Error('n1 does not answer'), { code: 'EHOSTUNREACH' }));

    await expect(httpsProbe({ ...at, dial })).resolves.toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
    await expect(httpsProbe({ ...at, dial: away })).resolves.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/n1 does not answer/),
    });
    await expect(servedChain('127.0.0.1', 1, { dial })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(servedChain('127.0.0.1', 1, { dial: away })).rejects.toMatchObject({ code: 'EHOSTUNREACH' });
  });
});

describe('dialer', () => {
  const taken = (dial: 'direct' | 'nodes', access: 'ssh' | 'local' = 'ssh') => {
    const ways: string[] = [];
    const note = (way: string) => {
      ways.push(way);
      return Promise.resolve({} as Duplex);
    };
    const accessOf = (name: string): NodeAccess => ({
      node: name,
      run: () => Promise.reject(new Error('not run')),
      dial: (host, port) => note(`${name} -> ${host}:${port}`),
    });
    const made = dialer({
      config: { access, dial },
      accessOf,
      nodeAt: (host) => (host === '10.0.0.2' ? 'cp2' : undefined),
      nodes: () => ['cp1', 'cp2'],
      direct: ({ host, port }) => note(`here -> ${host}:${port}`),
    });
    return async (target: DialTarget) => {
      await made(target);
      return ways.pop();
    };
  };

  it('goes from here by default, but to a node’s own loopback and where it was told to go through', async () => {
    const way = taken('direct');

    expect(await way({ host: '10.0.0.2', port: 6443, node: 'cp2' })).toBe('here -> 10.0.0.2:6443');
    expect(await way({ host: '127.0.0.1', port: 10257, node: 'cp3' })).toBe('cp3 -> 127.0.0.1:10257');
    expect(await way({ host: '10.244.1.2', port: 443, node: 'w1', through: true })).toBe('w1 -> 10.244.1.2:443');
  });

  it('goes through the nodes when asked to: the one it is on, the one with that address, else the first', async () => {
    const way = taken('nodes');

    expect(await way({ host: '10.0.0.3', port: 10250, node: 'w1' })).toBe('w1 -> 10.0.0.3:10250');
    expect(await way({ host: '10.0.0.2', port: 6443 })).toBe('cp2 -> 10.0.0.2:6443');
    expect(await way({ host: '10.244.1.2', port: 443 })).toBe('cp1 -> 10.244.1.2:443');
  });

  it('always goes from here when the node is this machine', async () => {
    expect(await taken('nodes', 'local')({ host: '127.0.0.1', port: 10257, node: 'cp1' })).toBe(
      'here -> 127.0.0.1:10257',
    );
  });

  it('tells a node that is away as a way that is closed', async () => {
    const made = dialer({
      config: { access: 'ssh', dial: 'nodes' },
      accessOf: (name) => ({
        node: name,
        run: () => Promise.reject(new Error('not run')),
        dial: () => Promise.reject(new NodeUnreachable(name, 'it does not answer')),
      }),
      nodeAt: () => undefined,
      nodes: () => ['cp1'],
      direct: () => Promise.reject(new Error('not asked')),
    });

    await expect(made({ host: '10.0.0.2', port: 1 })).rejects.toMatchObject({
      code: 'EHOSTUNREACH',
      message: 'it does not answer',
    });
  });
});
