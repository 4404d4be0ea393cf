import { request } from 'node:https';
import { isIP } from 'node:net';
import { serverName } from './served-chain.ts';
import { TLS_CODE } from './transport.ts';

export interface HttpsProbe {
  host: string;
  port: number;
  path: string;
  /** Default GET. */
  method?: string;
  /** PEM; a chain (leaf, bridge) is sent as it stands. */
  cert?: string;
  key?: string;
  /** PEM anchors; absent: whatever is served is taken. */
  ca?: string;
  servername?: string;
  token?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds for all of it. Default 10 000. */
  timeout?: number;
  signal?: AbortSignal;
}

export type ProbeResult =
  /** An answer: 401 means that the certificate or token was not known, 200 or 403 that it was. `body` is cut at 64 KiB. */
  | { kind: 'status'; status: number; body: string }
  /** The handshake failed, on either side: a chain not trusted here, or an alert from there (`bad certificate`, `unknown ca`). */
  | { kind: 'tls'; code: string; message: string }
  /** No connection, none in time, or one that was cut: says nothing about trust. */
  | { kind: 'unreachable'; code: string; message: string };

const MAX_BODY = 64 * 1024;

/** One HTTPS request over a connection of its own: no kept connection, no resumed session. Never throws but for the signal. */
export function httpsProbe(probe: HttpsProbe): Promise<ProbeResult> {
  const { timeout = 10_000, signal } = probe;
  const limit = AbortSignal.timeout(timeout);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const sent = request(
      {
        host: probe.host,
        port: probe.port,
        path: probe.path,
        method: probe.method ?? 'GET',
        // `false` makes an agent for this one request: nothing is pooled, and no TLS session is remembered.
        agent: false,
        headers: {
          connection: 'close',
          host: `${isIP(probe.host) === 6 ? `[${probe.host}]` : probe.host}:${probe.port}`,
          ...(probe.token ? { authorization: `Bearer ${probe.token}` } : {}),
          ...probe.headers,
        },
        rejectUnauthorized: probe.ca !== undefined,
        ...(probe.ca === undefined ? {} : { ca: probe.ca }),
        ...(probe.cert === undefined ? {} : { cert: probe.cert, key: probe.key }),
        ...serverName(probe.host, probe.servername),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          if (size < MAX_BODY) chunks.push(chunk);
          size += chunk.length;
        });
        const body = () => Buffer.concat(chunks).subarray(0, MAX_BODY).toString('utf8');
        answer.on('end', () => resolve({ kind: 'status', status: answer.statusCode ?? 0, body: body() }));
        answer.on('error', fail);
      },
    );
    const fail = (thrown: NodeJS.ErrnoException) => {
      if (signal?.aborted) return reject(signal.reason);
      const code = limit.aborted ? 'TIMEOUT' : (thrown.code ?? '');
      const message = limit.aborted ? `no answer within ${timeout / 1000} s` : thrown.message;
      resolve({ kind: TLS_CODE.test(code) ? 'tls' : 'unreachable', code, message });
    };
    sent.on('error', fail);
    sent.end(probe.body);
  });
}
