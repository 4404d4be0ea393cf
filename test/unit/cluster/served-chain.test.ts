import { createServer as createTcpServer, type Server } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { readServerFlight } from '../../../src/cluster/handshake.ts';
import { servedChain, WireError } from '../../../src/cluster/wire.ts';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { ca, clientLeaf, NOW, serverLeaf } from './material.ts';

const old = ca('kubernetes');
const next = ca('kubernetes-2026');
const foreign = ca('somebody else');
const leaf = serverLeaf(next);
const bridge = makeBridge({ of: next.certificate, by: old, purpose: 'serving', now: NOW });
/** As no verifier would order or keep it: a foreign certificate in the middle, and the leaf's own once more. */
const chain = [leaf.certificate, foreign.certificate, bridge, leaf.certificate];
const cert = chain.map(({ pem }) => pem).join('');
const ders = chain.map(({ der }) => Buffer.from(der).toString('hex'));
const hex = (list: readonly Uint8Array[]) => list.map((der) => Buffer.from(der).toString('hex'));

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function listen(server: Server): Promise<number> {
  closing.push(() => server.close());
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
}

function serve(options: TlsOptions, onSocket: (socket: TLSSocket) => void = () => {}): Promise<number> {
  const server = createServer({ cert, key: leaf.keyPem, ...options }, (socket) => {
    onSocket(socket);
    socket.on('error', () => {});
    socket.end();
  });
  server.on('tlsClientError', () => {});
  return listen(server);
}

describe('servedChain', () => {
  it.each<[string, TlsOptions]>([
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
    ['TLS 1.3, AES-128', { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' }],
    ['TLS 1.3, AES-256', { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384' }],
    ['TLS 1.3, ChaCha20', { minVersion: 'TLSv1.3', ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }],
    ['TLS 1.3 after a HelloRetryRequest', { minVersion: 'TLSv1.3', ecdhCurve: 'P-521' }],
  ])('gives what is sent, foreign and doubled certificates included: %s', async (_, options) => {
    const port = await serve(options);

    const seen = await servedChain('127.0.0.1', port);

    expect(hex(seen.chain)).toEqual(ders);
    expect(seen.protocol).toBe(options.minVersion ?? options.maxVersion);
    expect(seen.acceptableCAs).toBeUndefined();
    expect(seen.authorized).toBeUndefined();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'sees the chain and the CAs of a server that wants a client certificate: %s',
    async (version) => {
      const trusted = [old.certificate, next.certificate];
      const port = await serve({
        maxVersion: version,
        requestCert: true,
        rejectUnauthorized: true,
        ca: trusted.map(({ pem }) => pem),
      });

      const seen = await servedChain('127.0.0.1', port);

      expect(hex(seen.chain)).toEqual(ders);
      expect(hex(seen.acceptableCAs ?? []).sort()).toEqual(hex(trusted.map(({ slices }) => slices.subjectDer)).sort());
    },
  );

  it('judges by the anchors it is given, through the bridge as well', async () => {
    const port = await serve({ cert: leaf.cert + bridge.pem });
    const by = (anchor: string, servername?: string) =>
      servedChain('127.0.0.1', port, { ca: anchor, ...(servername ? { servername } : {}) });

    expect((await by(old.certificate.pem)).authorized).toBe(true);
    expect((await by(next.certificate.pem)).authorized).toBe(true);
    expect(await by(foreign.certificate.pem)).toMatchObject({
      authorized: false,
      authorizationError: expect.stringMatching(/\S/),
    });
    expect(await by(next.certificate.pem, 'other.example')).toMatchObject({ authorized: false });
  });

  it('finishes its handshakes and resumes none', async () => {
    const reused: boolean[] = [];
    const port = await serve({}, (socket) => reused.push(socket.isSessionReused()));

    await servedChain('127.0.0.1', port);
    await servedChain('127.0.0.1', port);

    await expect.poll(() => reused).toEqual([false, false]);
  });

  it('presents a client certificate when it is given one', async () => {
    const client = clientLeaf(old);
    const names: unknown[] = [];
    const port = await serve({ requestCert: true, ca: old.certificate.pem }, (socket) =>
      names.push(socket.getPeerCertificate().subject.CN),
    );

    await servedChain('127.0.0.1', port, { cert: client.cert, key: client.keyPem });

    await expect.poll(() => names).toEqual(['anna']);
  });

  it('says what is wrong: nobody listens, no TLS, no answer', async () => {
    const plain = createTcpServer((socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'));
    const silent = createTcpServer(() => {});
    const [plainPort, silentPort] = await Promise.all([listen(plain), listen(silent)]);

    await expect(servedChain('127.0.0.1', 1)).rejects.toMatchObject({ name: 'WireError', code: 'ECONNREFUSED' });
    await expect(servedChain('127.0.0.1', plainPort)).rejects.toBeInstanceOf(WireError);
    await expect(servedChain('127.0.0.1', silentPort, { timeout: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(
      servedChain('127.0.0.1', silentPort, { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });
});

describe('readServerFlight', () => {
  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(2, 11, 13), (noise, type) => {
        const message = Buffer.concat([Buffer.from([type, 0, 0, noise.length & 0xff]), noise]);
        const record = Buffer.concat([Buffer.from([22, 3, 3, message.length >> 8, message.length & 0xff]), message]);
        const flight = readServerFlight(record, Buffer.alloc(32));
        return Array.isArray(flight.certificates);
      }),
    );
  });
});
