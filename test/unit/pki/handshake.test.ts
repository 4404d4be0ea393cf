// Real TLS between Node and Node over the chains of a rotation: servers and clients, by one key of each kind.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeBridge } from '../../../src/pki/bridge.ts';
import type { Certificate } from '../../../src/pki/certificate.ts';
import type { KeyType } from '../../../src/pki/keys.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { keyToPem, toPem } from '../../../src/pki/pem.ts';
import { reissueLeaf } from '../../../src/pki/reissue.ts';
import { keyFor, oldCA, oldLeaf, YEAR } from './support/fixtures.ts';

const now = Date.now();

interface Side {
  chain: Certificate[];
  trust: Certificate[];
}

/** undefined when both ends are content, else what the unhappy end says. Both leafs have the key of the fixture `leaf`. */
async function handshake(type: KeyType, server: Side, client: Side): Promise<string | undefined> {
  const key = keyToPem(keyFor(type, 'leaf'));
  // The server takes every client and tells what it thinks of it: Node hides the reason when it refuses one itself.
  const listener = createServer({
    key,
    cert: toPem(server.chain),
    ca: toPem(server.trust),
    requestCert: true,
    rejectUnauthorized: false,
  });
  const verdict = new Promise<string | undefined>((resolve) =>
    listener.once('secureConnection', (peer: TLSSocket) =>
      resolve(peer.authorized ? undefined : String(peer.authorizationError)),
    ),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = connect({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: 'kubernetes.default.svc',
    key,
    cert: toPem(client.chain),
    ca: toPem(client.trust),
  });
  const refusedServer = new Promise<string>((resolve) => socket.once('error', ({ message }) => resolve(message)));
  const pleased = new Promise<undefined>((resolve) => socket.once('secureConnect', () => resolve(undefined)));
  try {
    return (await Promise.race([pleased, refusedServer])) ?? (await verdict);
  } finally {
    socket.destroy();
    listener.close();
  }
}

function rotation(type: KeyType) {
  const old = oldCA('today', type);
  const next = makeCA({
    commonName: 'kubernetes-ca-2026-11-24',
    keyType: type,
    key: keyFor(type, 'new'),
    now,
    notAfter: now + YEAR,
  });
  const ol = oldLeaf(old, type);
  const nl = reissueLeaf(ol, next, { now });
  const bridge = (purpose: 'serving' | 'client') => makeBridge({ of: next.certificate, by: old, purpose, now });
  return { old: old.certificate, new: next.certificate, ol, nl, serving: bridge('serving'), client: bridge('client') };
}

describe.each(['RSA-2048', 'EC-P-256', 'EC-P-384', 'Ed25519'] as const)('TLS with %s', (type) => {
  const r = rotation(type);

  it('old and new meet over bridges while neither trusts the other', async () => {
    const server = { chain: [r.nl, r.serving], trust: [r.old] };

    expect(await handshake(type, server, { chain: [r.ol], trust: [r.old] })).toBeUndefined();
    expect(await handshake(type, server, { chain: [r.nl, r.client], trust: [r.new] })).toBeUndefined();
    expect(await handshake(type, server, { chain: [r.nl, r.client], trust: [r.old] })).toBeUndefined();
  });

  it('without a bridge new is refused by old, on either side', async () => {
    const good = { chain: [r.ol], trust: [r.old] };

    expect(await handshake(type, { chain: [r.nl], trust: [r.old] }, good)).toMatch(/unable to verify|unable to get/);
    expect(await handshake(type, good, { chain: [r.nl], trust: [r.old] })).toMatch(/UNABLE_TO/);
  });

  it('a serving bridge opens nothing to clients, a client bridge proves no server', async () => {
    const good = { chain: [r.ol], trust: [r.old] };

    expect(await handshake(type, good, { chain: [r.nl, r.serving], trust: [r.old] })).toBe('INVALID_PURPOSE');
    expect(await handshake(type, { chain: [r.nl, r.client], trust: [r.old] }, good)).toMatch(/purpose/);
  });

  it('the new root before the bridge is refused under old trust (trap 7b)', async () => {
    const server = { chain: [r.nl, r.new, r.serving], trust: [r.old] };

    expect(await handshake(type, server, { chain: [r.ol], trust: [r.old] })).toMatch(
      /self[- ]signed certificate in certificate chain/,
    );
  });
});
