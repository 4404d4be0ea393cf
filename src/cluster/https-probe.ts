import { request } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Dial, directly, type Target, tlsOver } from './dial.ts';
import { serverName } from './served-chain.ts';
import { TLS_CODE } from './transport.ts';

export interface HttpsProbe extends Target {
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
  /** Default: from here. */
  dial?: Dial;
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
export async function httpsProbe(probe: HttpsProbe): Promise<ProbeResult> {
  const { timeout = 10_000, signal, dial = directly } = probe;
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(timeout);
  const both = signal ? AbortSignal.any([signal, limit]) : limit;
  let raw: Duplex;
  try {
    raw = await dial(probe, { timeout, signal: both });
  } catch (thrown) {
    signal?.throwIfAborted();
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    return { kind: 'unreachable', code: limit.aborted ? 'TIMEOUT' : code, message };
  }
  return ask(probe, raw, { limit, both });
}

/** Closed whatever comes of it: nothing is pooled, and no TLS session is remembered. */
function ask(probe: HttpsProbe, raw: Duplex, signals: { limit: AbortSignal; both: AbortSignal }): Promise<ProbeResult> {
  const { timeout = 10_000, signal } = probe;
  const { limit, both } = signals;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: probe.host,
        port: probe.port,
        path: probe.path,
        method: probe.method ?? 'GET',
        createConnection: () =>
          tlsOver(raw, {
            host: probe.host,
            rejectUnauthorized: probe.ca !== undefined,
            ...(probe.ca === undefined ? {} : { ca: probe.ca }),
            ...(probe.cert === undefined ? {} : { cert: probe.cert, key: probe.key }),
            ...serverName(probe.host, probe.servername),
          }),
        headers: {
          connection: 'close',
          host: `${isIP(probe.host) === 6 ? `[${probe.host}]` : probe.host}:${probe.port}`,
          ...(probe.token ? { authorization: `Bearer ${probe.token}` } : {}),
          ...probe.headers,
        },
        signal: both,
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
    sent.on('close', () => raw.destroy());
    sent.end(probe.body);
  });
}
