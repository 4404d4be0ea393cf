import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { classOf, textOf } from '../../../lab/load/failure.ts';
import { followingClient, frozenClient } from '../../../lab/load/following-client.ts';
import { type ClientOptions, httpsClient, secureContext } from '../../../lab/load/https-client.ts';
import { readAccess } from '../../../lab/load/kubeconfig.ts';
import { type Identity, selfSigned, serve, type TestServer } from './tls-server.ts';

let ours: Identity;
let other: Identity;
let server: TestServer | undefined;
beforeAll(() => {
  ours = selfSigned('ours');
  other = selfSigned('other');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const clientOf = (url: string, more: Partial<ClientOptions> = {}) =>
  httpsClient({ server: url, context: () => secureContext({ ca: ours.cert }), keep: false, ...more });

/** The class and text of the failure that a request ends in. */
async function failureOf(sent: Promise<unknown>): Promise<{ class: string; text: string }> {
  const thrown: unknown = await sent.then(
    () => expect.unreachable('the request succeeded'),
    (error: unknown) => error,
  );
  return { class: classOf(thrown), text: textOf(thrown) };
}

describe('connections', () => {
  it('makes a new one for each request, and never resumes a session', async () => {
    server = await serve(ours, (_, response) => response.end('yes'));
    const client = clientOf(server.url);

    for (let i = 0; i < 3; i++) expect(await client.send({ path: '/' })).toEqual({ body: 'yes', resent: false });

    expect(server.connections).toEqual({ made: 3, resumed: 0 });
  });

  it('keeps one, also for requests that come at once', async () => {
    server = await serve(ours, (_, response) => response.end('yes'));
    const client = clientOf(server.url, { keep: true });

    await Promise.all([1, 2, 3].map(() => client.send({ path: '/' })));
    await client.send({ path: '/' });

    expect(server.connections.made).toBe(1);
    client.close();
  });

  it('sends a GET once more when its reused connection was closed before an answer, and says so', async () => {
    let requests = 0;
    server = await serve(ours, (request, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else response.end('yes');
    });
    const client = clientOf(server.url, { keep: true });
    await client.send({ path: '/' });

    expect(await client.send({ path: '/' })).toEqual({ body: 'yes', resent: true });
    expect(server.connections.made).toBe(2);
    client.close();
  });

  it.each([
    ['a POST on a reused connection', { method: 'POST' as const, path: '/', body: {} }, 2],
    ['a GET on its first connection', { path: '/' }, 1],
  ])('does not send %s again', async (_, ask, cutAt) => {
    let requests = 0;
    server = await serve(ours, (request, response) => {
      requests += 1;
      if (requests === cutAt) request.socket.destroy();
      else response.end('yes');
    });
    const client = clientOf(server.url, { keep: true });
    if (cutAt === 2) await client.send({ path: '/' });

    expect((await failureOf(client.send(ask))).class).toBe('connection');
    expect(requests).toBe(cutAt);
    client.close();
  });
});

describe('failures', () => {
  it('refuses a server whose certificate it does not trust', async () => {
    server = await serve(other, (_, response) => response.end('yes'));
    expect((await failureOf(clientOf(server.url).send({ path: '/' }))).class).toBe('certificate');
  });

  it('refuses a server whose certificate it trusts, but which is for another address', async () => {
    const elsewhere = selfSigned('elsewhere', '127.9.9.9');
    server = await serve(elsewhere, (_, response) => response.end('yes'));
    const context = () => secureContext({ ca: elsewhere.cert });
    expect((await failureOf(clientOf(server.url, { context }).send({ path: '/' }))).class).toBe('certificate');
  });

  it.each([
    [401, 'Unauthorized', 'authentication'],
    [403, 'pods is forbidden', 'other'],
    [500, 'etcdserver: request timed out', 'http-5xx'],
    [503, 'error trying to reach service: x509: certificate signed by unknown authority', 'certificate'],
    [500, 'Internal error: failed calling webhook: remote error: tls: bad certificate', 'certificate'],
  ])('puts HTTP %i "%s" into class %s', async (status, message, failureClass) => {
    server = await serve(ours, (_, response) => {
      response.statusCode = status;
      response.end(JSON.stringify({ kind: 'Status', message }));
    });
    const failure = await failureOf(clientOf(server.url).send({ path: '/' }));
    expect(failure).toEqual({ class: failureClass, text: `HTTP ${status}: ${message}` });
  });

  it('tells a refused connection and one that is cut in the middle of an answer', async () => {
    server = await serve(ours, (request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 20);
    });
    expect((await failureOf(clientOf(server.url).send({ path: '/' }))).class).toBe('connection');
    const { url } = server;
    await server.close();
    expect((await failureOf(clientOf(url).send({ path: '/' }))).class).toBe('connection');
  });

  it('gives up on a server that takes the connection and says nothing, and on one that stops in the middle', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const failure = await failureOf(clientOf(`https://127.0.0.1:${port}`, { timeoutMs: 100 }).send({ path: '/x' }));
    expect(failure).toEqual({ class: 'timeout', text: 'no answer within 0.1 s: GET /x' });
    silent.close();

    server = await serve(ours, (_, response) => void response.write('half'));
    expect((await failureOf(clientOf(server.url, { timeoutMs: 100 }).send({ path: '/x' }))).class).toBe('timeout');
  });

  it('counts a CA file that is not there as a failure of the request, not of the program', async () => {
    server = await serve(ours, (_, response) => response.end('yes'));
    const context = () => {
      throw Object.assign(new Error('no such file, ca.crt'), { code: 'ENOENT' });
    };
    expect((await failureOf(clientOf(server.url, { context }).send({ path: '/' }))).text).toContain('ENOENT');
  });
});

describe('a kubeconfig whose CA is replaced', () => {
  const kubeconfig = (url: string, ca: string) => `
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "${url}", certificate-authority-data: ${Buffer.from(ca).toString('base64')}}}]
users: [{name: u, user: {token: t}}]
`;

  it('is seen by the client that follows it and not by the one that read it once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reroot-load-'));
    const file = join(folder, 'config');
    server = await serve(ours, (request, response) => response.end(request.headers.authorization));
    writeFileSync(file, kubeconfig(server.url, ours.cert));
    const [frozen, following] = [
      frozenClient(readAccess(file), { keep: false }),
      followingClient(file, { keep: true }),
    ];
    for (const client of [frozen, following]) expect((await client.send({ path: '/' })).body).toBe('Bearer t');

    server.server.setSecureContext(other);
    writeFileSync(file, kubeconfig(server.url, other.cert));

    expect((await following.send({ path: '/' })).body).toBe('Bearer t');
    expect((await failureOf(frozen.send({ path: '/' }))).class).toBe('certificate');
    following.close();
    rmSync(folder, { recursive: true });
  });
});
