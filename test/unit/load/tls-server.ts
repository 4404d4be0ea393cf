// A real HTTPS server on loopback with a certificate of its own, for clients that verify.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  cert: string;
  key: string;
}

/** A self-signed certificate for one address, which a client trusts by naming it as its CA. */
export function selfSigned(commonName: string, address = '127.0.0.1'): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'reroot-load-'));
  try {
    const [cert, key] = [join(folder, 'crt'), join(folder, 'key')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const names = ['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=IP:${address}`];
    execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-days', '2', '-keyout', key, '-out', cert], {
      stdio: 'pipe',
    });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface TestServer {
  url: string;
  server: Server;
  /** How many TLS connections were made, and how many of them resumed a session. */
  connections: { made: number; resumed: number };
  close(): Promise<void>;
}

export async function serve(identity: Identity, onRequest: RequestListener): Promise<TestServer> {
  const server = createServer(identity, onRequest);
  const connections = { made: 0, resumed: 0 };
  server.on('secureConnection', (socket) => {
    connections.made += 1;
    if (socket.isSessionReused()) connections.resumed += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    server,
    connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
