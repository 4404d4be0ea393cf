// An HTTPS client as plain as can be: verification always on, no session resumption (it would hide a change of trust), HTTP/1.1,
// and no retry but the one that Go's net/http makes for every client-go program.

import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { BadAnswer, codeOf, NoAnswer } from './failure.ts';
import type { Access } from './kubeconfig.ts';

export const TIMEOUT_MS = 30_000;

export interface Ask {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** Sent as JSON; a PATCH is a merge patch (RFC 7396). */
  body?: unknown;
}

export interface Answer {
  body: string;
  /** True when a kept connection was found closed before any byte of an answer and the GET went out once more on a new one. */
  resent: boolean;
}

export interface ClientOptions {
  server: string;
  /** Asked at each new connection: what the client trusts and presents from then on. Throwing fails the request. */
  context: () => SecureContext;
  /** Asked for each request. */
  token?: () => string | undefined;
  /** One kept connection, requests one after another; else a new connection for each request. */
  keep: boolean;
  /** Milliseconds from the start of a request to the end of its answer. Default `TIMEOUT_MS`. */
  timeoutMs?: number;
}

export interface StreamEvents {
  /** A 2xx answer has begun. */
  opened: () => void;
  chunk: (text: string) => void;
}

export interface Client {
  /** Resolves with a 2xx answer, else rejects: BadAnswer, NoAnswer, or the error of the socket or of TLS. */
  send(ask: Ask): Promise<Answer>;
  /** As `send`, with the body as it comes. Resolves at the end of the stream; the time-out bounds the wait for its start. */
  stream(path: string, on: StreamEvents, signal: AbortSignal): Promise<void>;
  /** Ends idle connections now and busy ones after their answer. */
  close(): void;
}

export const secureContext = ({ ca, cert, key }: Omit<Access, 'server' | 'token'>): SecureContext =>
  createSecureContext({ ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) });

export function httpsClient(options: ClientOptions): Client {
  const server = new URL(options.server);
  const agent = connectingAgent(options);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const open = ({ method = 'GET', path, body }: Ask, signal: AbortSignal) => {
    const token = options.token?.();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const request = httpsRequest({
      agent,
      host: server.hostname,
      port: server.port || 443,
      method,
      path,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'reroot-lab-load',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined
          ? {}
          : { 'content-type': contentType(method), 'content-length': Buffer.byteLength(payload) }),
      },
    });
    request.end(payload);
    return request;
  };
  const respond = (ask: Ask, signal: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = open(ask, signal);
      request.once('response', resolve);
      request.once('error', (error) => reject(Object.assign(error, { reused: request.reusedSocket })));
    });

  return {
    send: (ask) => within(describe(ask), timeoutMs, (signal) => sendOnce(ask, signal)),
    async stream(path, on, signal) {
      const started = new AbortController();
      const stop = AbortSignal.any([signal, started.signal]);
      const timer = setTimeout(() => started.abort(), timeoutMs);
      try {
        const response = await respond({ path }, stop).catch((error: unknown) => {
          throw started.signal.aborted ? new NoAnswer(path, timeoutMs / 1_000) : error;
        });
        clearTimeout(timer);
        if (!isOk(response)) throw badAnswer(response, await bodyOf(response));
        on.opened();
        response.setEncoding('utf8');
        for await (const chunk of response) on.chunk(String(chunk));
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      agent.keepAlive = false;
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    },
  };

  async function sendOnce(ask: Ask, signal: AbortSignal): Promise<Answer> {
    try {
      return { body: await answerTo(ask, signal), resent: false };
    } catch (thrown) {
      if (!isResendable(ask, thrown)) throw thrown;
      return { body: await answerTo(ask, signal), resent: true };
    }
  }

  async function answerTo(ask: Ask, signal: AbortSignal): Promise<string> {
    const response = await respond(ask, signal);
    const body = await bodyOf(response);
    if (!isOk(response)) throw badAnswer(response, body);
    return body;
  }
}

/** An agent whose connections take their trust and their certificate at the moment they are made. */
function connectingAgent({ keep, context }: ClientOptions): Agent & { keepAlive: boolean } {
  const agent = new Agent({ keepAlive: keep, maxSockets: keep ? 1 : Number.POSITIVE_INFINITY, maxCachedSessions: 0 });
  const createConnection = (
    target: object,
    done: (error: Error | null, socket?: TLSSocket) => void,
  ): TLSSocket | undefined => {
    try {
      return connect({ ...target, secureContext: context(), rejectUnauthorized: true });
    } catch (thrown) {
      process.nextTick(done, thrown);
      return undefined;
    }
  };
  return Object.assign(agent, { createConnection, keepAlive: keep });
}

/**
 * net/http sends a replayable request again when the connection was a reused one and the server closed it before a byte of the
 * answer (Go: net/http/transport.go, shouldRetryRequest). Every client-go program has that, so the kept clients have it; it is counted.
 */
function isResendable(ask: Ask, thrown: unknown): boolean {
  const reused = thrown instanceof Error && 'reused' in thrown && thrown.reused === true;
  return reused && (ask.method ?? 'GET') === 'GET' && ['ECONNRESET', 'EPIPE'].includes(codeOf(thrown));
}

async function within<T>(what: string, timeoutMs: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    return await act(abort.signal);
  } catch (thrown) {
    throw abort.signal.aborted ? new NoAnswer(what, timeoutMs / 1_000) : thrown;
  } finally {
    clearTimeout(timer);
  }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

const isOk = (response: IncomingMessage): boolean =>
  (response.statusCode ?? 0) >= 200 && (response.statusCode ?? 0) < 300;

function badAnswer(response: IncomingMessage, body: string): BadAnswer {
  return new BadAnswer(response.statusCode ?? 0, messageOf(body) || (response.statusMessage ?? ''));
}

function messageOf(body: string): string {
  try {
    const status: unknown = JSON.parse(body);
    if (typeof status === 'object' && status !== null && 'message' in status) return String(status.message);
  } catch {
    // Not a Status object: plain text, as some proxies answer.
  }
  return body.slice(0, 200);
}

const contentType = (method: string): string =>
  method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
const describe = ({ method = 'GET', path }: Ask): string => `${method} ${path}`;
