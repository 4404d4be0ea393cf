import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { Agent, type buildConnector, request } from 'undici';
import { ApiUnreachable } from './api-error.ts';
import { type Dial, tlsOver } from './dial.ts';
import { type Credentials, type KubeconfigChoice, loadCredentials } from './kubeconfig.ts';

export interface Sent {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface SendOptions {
  method: string;
  /** Base URL and path. */
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds for one try. */
  timeout: number;
  signal?: AbortSignal;
  /** The server is one API server, which may be reached otherwise than the kubeconfig's. */
  one?: boolean;
}

export interface Transport {
  credentials(): Credentials;
  /** One try. Throws ApiUnreachable, or the signal's reason. */
  send(options: SendOptions): Promise<Sent>;
  close(): Promise<void>;
}

/**
 * HTTP with the kubeconfig's credentials. reroot rewrites kubeconfigs, its own among them: before each request the files are looked at, and
 * when one has changed a new set of connections takes over; requests under way end on the old one. A file that cannot be read just now
 * (somebody writes it) leaves things as they are.
 */
export function openTransport(choice: KubeconfigChoice, dial?: Dial): Transport {
  let credentials = loadCredentials(choice);
  let seen = stampOf(credentials.files);
  let agents = agentsFor(credentials, dial);

  const refresh = () => {
    const stamp = stampOf(credentials.files);
    if (stamp === seen) return;
    try {
      const next = loadCredentials(choice);
      seen = stampOf(next.files);
      if (sameIdentity(next, credentials)) return;
      const before = agents;
      credentials = next;
      agents = agentsFor(next, dial);
      before.close().catch(() => {});
    } catch {
      // Tried again before the next request.
    }
  };

  return {
    credentials() {
      refresh();
      return credentials;
    },
    send(options) {
      refresh();
      return sendBy(agents, credentials, options);
    },
    async close() {
      await agents.close();
    },
  };
}

/** With credentials that are in memory only, and stay as they are. */
export function fixedTransport(credentials: Credentials): Transport {
  const agents = agentsFor(credentials, undefined);
  return {
    credentials: () => credentials,
    send: (options) => sendBy(agents, credentials, options),
    async close() {
      await agents.close();
    },
  };
}

async function sendBy(agents: Agents, credentials: Credentials, options: SendOptions): Promise<Sent> {
  const limit = AbortSignal.timeout(options.timeout);
  try {
    const answer = await request(options.url, {
      dispatcher: options.one ? agents.one : agents.shared,
      method: options.method,
      headers: {
        ...(credentials.token ? { authorization: `Bearer ${credentials.token}` } : {}),
        ...options.headers,
      },
      body: options.body ?? null,
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
    });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  } catch (thrown) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw unreachable(options, credentials, thrown, limit.aborted);
  }
}

const CONNECT_LIMIT = 10_000;

interface Agents {
  /** To the kubeconfig's server. */
  shared: Agent;
  /** To one API server. */
  one: Agent;
  close: () => Promise<unknown>;
}

function agentsFor(credentials: Credentials, dial: Dial | undefined): Agents {
  const tls = tlsOf(credentials);
  const options = { connections: 16, keepAliveTimeout: 10_000 };
  // A resumed session skips the verification that a new handshake would do.
  const shared = new Agent({ ...options, connect: { timeout: CONNECT_LIMIT, maxCachedSessions: 0, ...tls } });
  if (!dial) return { shared, one: shared, close: () => shared.close() };
  const one = new Agent({ ...options, connect: connectorOver(dial, tls) });
  return { shared, one, close: () => Promise.all([shared.close(), one.close()]) };
}

const tlsOf = (credentials: Credentials) => ({
  rejectUnauthorized: !credentials.insecure,
  ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
  ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
  ...(credentials.key === undefined ? {} : { key: credentials.key }),
  ...(credentials.serverName === undefined ? {} : { servername: credentials.serverName }),
});

/** undici's own connector opens the connection itself; this one is given the way. */
function connectorOver(dial: Dial, tls: ReturnType<typeof tlsOf>): buildConnector.connector {
  return ({ hostname, port }, done) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const limit = AbortSignal.timeout(CONNECT_LIMIT);
    dial({ host, port: Number(port || 443) }, { timeout: CONNECT_LIMIT }).then(
      (raw) => {
        const socket = tlsOver(raw, {
          host,
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...tls,
          ALPNProtocols: ['http/1.1'],
        });
        const fail = (cause: Error) => done(cause, null);
        const onLimit = () => socket.destroy(new Error(`no connection within ${CONNECT_LIMIT / 1000} s`));
        limit.addEventListener('abort', onLimit, { once: true });
        socket.once('error', fail);
        socket.once('secureConnect', () => {
          limit.removeEventListener('abort', onLimit);
          socket.removeListener('error', fail);
          done(null, socket);
        });
      },
      (thrown: unknown) => done(thrown as Error, null),
    );
  };
}

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat ? `${stat.ino}:${stat.mtimeMs}:${stat.size}` : 'absent';
    })
    .join(' ');
}

const IDENTITY = ['server', 'ca', 'cert', 'key', 'token', 'serverName', 'insecure'] as const;
const sameIdentity = (a: Credentials, b: Credentials): boolean => IDENTITY.every((key) => a[key] === b[key]);

/** Codes of failures before a request could have been sent. */
const NOT_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
/** OpenSSL's verify results as Node names them, and its alerts. */
export const TLS_CODE =
  /^(UNABLE_TO_|CERT_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)/;

function unreachable(
  options: SendOptions,
  credentials: Credentials,
  thrown: unknown,
  timedOut: boolean,
): ApiUnreachable {
  const { code, message } = codeOf(thrown);
  const { host } = new URL(options.url);
  const doing = `${options.method} ${new URL(options.url).pathname}`;
  if (TLS_CODE.test(code)) {
    const hints = [
      `the kubeconfig (${credentials.files[0]}) does not trust what ${host} serves: is it the one of this cluster?`,
      'see what is served: openssl s_client -showcerts -connect HOST:PORT',
    ];
    return new ApiUnreachable(`no trusted connection to ${host}: ${message} (${code})`, code, false, hints, thrown);
  }
  const hints = [
    `is the cluster up, is ${credentials.server} the right server?`,
    `try: kubectl --kubeconfig ${credentials.files[0]} get --raw /readyz`,
  ];
  if (timedOut)
    return new ApiUnreachable(
      `${host} did not answer ${doing} within ${options.timeout / 1000} s`,
      'TIMEOUT',
      true,
      hints,
      thrown,
    );
  const notSent = NOT_SENT.test(code) || /before secure TLS connection/.test(message);
  return new ApiUnreachable(`cannot reach ${host}: ${message}`, code, !notSent, hints, thrown);
}

/** Node puts failures of several addresses into an AggregateError without a message of its own. */
function codeOf(thrown: unknown): { code: string; message: string } {
  const error = thrown instanceof AggregateError && thrown.errors.length > 0 ? thrown.errors[0] : thrown;
  const { code, message } = error as { code?: string; message?: string };
  return { code: code ?? '', message: message ?? String(error) };
}
