import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpsProbe } from '../../../src/cluster/wire.ts';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { startApi, type TestApi } from './api-server.ts';
import { ca, clientLeaf, NOW } from './material.ts';

let api: TestApi;
let at: { host: string; port: number; path: string };
beforeEach(async () => {
  api = await startApi();
  at = { host: '127.0.0.1', port: Number(new URL(api.url).port), path: '/readyz' };
});
afterEach(() => api.close());

describe('httpsProbe', () => {
  it('gives the status and the body, verified only when given anchors', async () => {
    api.before = () => ({ status: 401, body: 'no' });

    await expect(httpsProbe(at)).resolves.toEqual({ kind: 'status', status: 401, body: 'no' });
    await expect(httpsProbe({ ...at, ca: api.authority.certificate.pem })).resolves.toMatchObject({ status: 401 });
    await expect(httpsProbe({ ...at, ca: ca('another').certificate.pem })).resolves.toMatchObject({
      kind: 'tls',
      code: expect.stringMatching(/^(UNABLE_TO|SELF_SIGNED)/),
    });
    await expect(
      httpsProbe({ ...at, ca: api.authority.certificate.pem, servername: 'other.example' }),
    ).resolves.toMatchObject({
      kind: 'tls',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('presents the chain it is given: a leaf from new is known over the bridge', async () => {
    api.before = ({ user }) => ({ status: user ? 200 : 401 });
    const next = ca('kubernetes-2026');
    const bridge = makeBridge({ of: next.certificate, by: api.authority, purpose: 'client', now: NOW });
    const client = clientLeaf(next);
    const known = clientLeaf(api.authority);

    await expect(httpsProbe({ ...at, cert: known.cert, key: known.keyPem })).resolves.toMatchObject({ status: 200 });
    await expect(httpsProbe({ ...at, cert: client.cert, key: client.keyPem })).resolves.toMatchObject({ status: 401 });
    await expect(httpsProbe({ ...at, cert: client.cert + bridge.pem, key: client.keyPem })).resolves.toMatchObject({
      status: 200,
    });
  });

  it.each(['-tls1_2', '-tls1_3'])('tells a handshake that the server refuses (%s)', async (version) => {
    const folder = mkdtempSync(join(tmpdir(), 'reroot-probe-'));
    const put = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const files = [
      '-cert',
      put('cert', api.leaf.cert),
      '-key',
      put('key', api.leaf.keyPem),
      '-CAfile',
      put('ca', api.authority.certificate.pem),
    ];
    // OpenSSL's own server: it ends with an alert as Go's does, where Node's just hangs up.
    const strict = spawn('openssl', [
      's_server',
      '-accept',
      '127.0.0.1:0',
      '-www',
      '-Verify',
      '2',
      '-verify_return_error',
      version,
      ...files,
    ]);
    strict.stderr.resume();
    const port = await new Promise<number>((resolve) =>
      strict.stdout.on('data', (data: Buffer) => {
        const found = /^ACCEPT 127\.0\.0\.1:(\d+)/m.exec(data.toString());
        if (found) resolve(Number(found[1]));
      }),
    );
    const stranger = clientLeaf(ca('another'));
    const known = clientLeaf(api.authority);

    const refused = await httpsProbe({ ...at, port, path: '/', cert: stranger.cert, key: stranger.keyPem });
    const nameless = await httpsProbe({ ...at, port, path: '/' });
    const taken = await httpsProbe({ ...at, port, path: '/', cert: known.cert, key: known.keyPem });

    expect(refused).toMatchObject({ kind: 'tls', message: expect.stringMatching(/alert/) });
    expect(nameless).toMatchObject({ kind: 'tls' });
    expect(taken).toMatchObject({ kind: 'status', status: 200 });
    strict.kill();
    rmSync(folder, { recursive: true });
  });

  it('tells a server that is away', async () => {
    const silent = createTcpServer(() => {});
    const port = await new Promise<number>((resolve) =>
      silent.listen(0, '127.0.0.1', () => resolve((silent.address() as { port: number }).port)),
    );

    await expect(httpsProbe({ ...at, port: 1 })).resolves.toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
    await expect(httpsProbe({ ...at, port, timeout: 100 })).resolves.toMatchObject({
      kind: 'unreachable',
      code: 'TIMEOUT',
    });
    silent.close();
  });

  it('opens a connection of its own each time and resumes no session', async () => {
    const sockets = new Set<TLSSocket>();
    api.server.on('secureConnection', (socket) => sockets.add(socket));

    for (let i = 0; i < 3; i++) await httpsProbe({ ...at, ca: api.authority.certificate.pem });

    expect(sockets.size).toBe(3);
    expect([...sockets].some((socket) => socket.isSessionReused())).toBe(false);
  });

  it('sends a token, a method and a body, and ends by its signal', async () => {
    api.before = () => ({ status: 200 });
    await httpsProbe({ ...at, method: 'POST', token: 't0ken', body: '{"a":1}' });

    expect(api.seen.at(-1)).toMatchObject({
      method: 'POST',
      body: { a: 1 },
      headers: { authorization: 'Bearer t0ken' },
    });
    await expect(httpsProbe({ ...at, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});
