import { setTimeout as pause } from 'node:timers/promises';
import { ApiUnreachable, apiErrorOf } from './api-error.ts';
import type { Dial } from './dial.ts';
import type { Credentials, KubeconfigChoice } from './kubeconfig.ts';
import type { JsonPatch, KubeObject } from './object.ts';
import { fixedTransport, openTransport, type Sent, type Transport } from './transport.ts';

export { ApiError, ApiUnreachable, isConflict, isNotFound } from './api-error.ts';
export type { Credentials, KubeconfigChoice } from './kubeconfig.ts';
export type { JsonPatch, KubeObject, ObjectMeta } from './object.ts';
export { atPointer, pointer } from './object.ts';

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  query?: Record<string, string>;
  signal?: AbortSignal;
  /** Milliseconds for one try. Default 30 000. */
  timeout?: number;
  /** Milliseconds in which a try that failed is repeated. Default 10 000; 0 tries once. */
  retryFor?: number;
}

export interface ListOptions extends RequestOptions {
  /** Objects a page. Default 500. */
  limit?: number;
  fieldSelector?: string;
  labelSelector?: string;
  /** Only `metadata` of each object (PartialObjectMetadata). */
  metadataOnly?: boolean;
}

export interface WriteOptions extends RequestOptions {
  dryRun?: boolean;
}

/** The Kubernetes API as plain JSON. Paths are the server's: `/api/v1/namespaces/kube-system/configmaps/x`. */
export interface Cluster {
  readonly server: string;
  /** What the kubeconfig says at this moment. */
  credentials(): Credentials;
  /** Any request; never throws because of a status. */
  request(method: string, path: string, options?: RequestOptions): Promise<Sent>;
  get<T = KubeObject>(path: string, options?: RequestOptions): Promise<T>;
  /** All objects, page by page. Their `kind` and `apiVersion` are missing, as lists leave them out. */
  list<T = KubeObject>(path: string, options?: ListOptions): Promise<T[]>;
  /** A JSON Patch (operations), or a merge patch (an object). Only fields of ours, with a `test` before. */
  patch<T = KubeObject>(
    path: string,
    change: readonly JsonPatch[] | Record<string, unknown>,
    options?: WriteOptions,
  ): Promise<T>;
  create<T = KubeObject>(path: string, object: unknown, options?: WriteOptions): Promise<T>;
  remove(path: string, options?: WriteOptions & { uid?: string; resourceVersion?: string }): Promise<void>;
  /** The same identity against one API server: `https://10.0.0.1:6443`. */
  at(server: string): Cluster;
  close(): Promise<void>;
}

/**
 * Opens the cluster a kubeconfig names. Reads files only; the first request shows whether the cluster is there. `dial`: the way to single API servers (`at`), where it
 * is not the plain one; the kubeconfig's own server is always reached from here.
 */
export function connect(choice: KubeconfigChoice = {}, dial?: Dial): Cluster {
  return view(openTransport(choice, dial));
}

/** The same server, asked by another client: certificate and key as PEM, which are kept in memory only. Close it after use. */
export function connectAs(base: Cluster, client: { cert: string; key: string }): Cluster {
  const { token: _, ...known } = base.credentials();
  return view(fixedTransport({ ...known, ...client, user: 'another client', files: [] }));
}

function view(transport: Transport, fixed?: string): Cluster {
  const server = () => fixed ?? transport.credentials().server;
  const raw = (method: string, path: string, options: RequestOptions = {}) =>
    send(transport, { server: server(), one: fixed !== undefined }, method, path, options);
  const checked = async <T>(method: string, path: string, options: RequestOptions = {}): Promise<T> => {
    const answer = await raw(method, path, options);
    if (answer.status >= 300) throw apiErrorOf(`${method} ${path}`, answer.status, answer.body);
    return parseBody(`${method} ${path}`, answer) as T;
  };
  return {
    get server() {
      return server();
    },
    credentials: () => transport.credentials(),
    request: raw,
    get: (path, options) => checked('GET', path, options),
    list: (path, options) => listAll(checked, path, options),
    patch: (path, change, options = {}) =>
      checked('PATCH', path, {
        ...writing(options),
        body: change,
        headers: {
          'content-type': `application/${Array.isArray(change) ? 'json-patch' : 'merge-patch'}+json`,
          ...options.headers,
        },
      }),
    create: (path, object, options = {}) => checked('POST', path, { ...writing(options), body: object }),
    async remove(path, { uid, resourceVersion, ...options } = {}) {
      const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions };
      await checked('DELETE', path, { ...options, ...(options.dryRun ? { query: { dryRun: 'All' } } : {}), body });
    },
    at: (other) => view(transport, other.replace(/\/+$/, '')),
    close: () => transport.close(),
  };
}

function writing({ dryRun, ...options }: WriteOptions): RequestOptions {
  return { ...options, query: { fieldManager: 'reroot', ...(dryRun ? { dryRun: 'All' } : {}), ...options.query } };
}

function parseBody(request: string, answer: Sent): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    // An answer that is not JSON is no API server's: a proxy or a wrong port.
    throw apiErrorOf(request, answer.status, `not JSON: ${answer.body.slice(0, 100)}`);
  }
}

type Checked = <T>(method: string, path: string, options?: RequestOptions) => Promise<T>;
interface Page<T> {
  items?: T[];
  metadata?: { continue?: string };
}

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const RESTARTS = 3;

/** A list whose snapshot was compacted away between two pages answers 410: it is read from the start again, the last time in one piece. */
async function listAll<T>(checked: Checked, path: string, options: ListOptions = {}): Promise<T[]> {
  const { limit = 500, fieldSelector, labelSelector, metadataOnly, ...rest } = options;
  const page = (count: number, next: string) =>
    checked<Page<T>>('GET', path, {
      ...rest,
      headers: { ...(metadataOnly ? { accept: METADATA_ONLY } : {}), ...rest.headers },
      query: {
        ...(count > 0 ? { limit: String(count) } : {}),
        ...(fieldSelector ? { fieldSelector } : {}),
        ...(labelSelector ? { labelSelector } : {}),
        ...(next ? { continue: next } : {}),
        ...rest.query,
      },
    });
  for (let attempt = 0; ; attempt++) {
    const items: T[] = [];
    let next = '';
    try {
      do {
        const answer = await page(attempt < RESTARTS ? limit : 0, next);
        for (const item of answer.items ?? []) items.push(item);
        next = answer.metadata?.continue ?? '';
      } while (next);
      return items;
    } catch (thrown) {
      const expired = thrown instanceof Error && 'status' in thrown && thrown.status === 410;
      if (!expired || attempt >= RESTARTS) throw thrown;
    }
  }
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/**
 * Repeats what is safe to repeat: a request that was never sent, one that was turned away (429, 503), and for methods that may be repeated
 * also a lost answer and a gateway's or etcd's passing trouble (500 to 504). A write whose answer was lost is for the caller to look after.
 */
async function send(
  transport: Transport,
  { server, one }: { server: string; one: boolean },
  method: string,
  path: string,
  options: RequestOptions,
): Promise<Sent> {
  const { body, headers, query, signal, timeout = 30_000, retryFor = 10_000 } = options;
  const until = Date.now() + retryFor;
  const search =
    query && Object.keys(query).length > 0 ? `${path.includes('?') ? '&' : '?'}${new URLSearchParams(query)}` : '';
  const request = {
    method,
    url: `${server}${path}${search}`,
    one,
    timeout,
    headers: {
      accept: 'application/json',
      'user-agent': 'reroot',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  };
  for (let attempt = 0; ; attempt++) {
    const wait = Math.min(2_000, 100 * 2 ** attempt);
    const last = Date.now() + wait > until;
    try {
      const answer = await transport.send(request);
      const passing = answer.status === 429 || answer.status === 503 || (IDEMPOTENT.has(method) && isPassing(answer));
      if (!passing || last) return answer;
      await pause(
        Math.min(until - Date.now(), Math.max(wait, retryAfter(answer))),
        undefined,
        signal ? { signal } : {},
      );
    } catch (thrown) {
      const again =
        thrown instanceof ApiUnreachable && isWorthTrying(thrown) && (IDEMPOTENT.has(method) || !thrown.maybeDone);
      if (!again || last) throw thrown;
      await pause(wait, undefined, signal ? { signal } : {});
    }
  }
}

const isPassing = ({ status, body }: Sent): boolean =>
  status === 502 || status === 504 || (status === 500 && /etcdserver:|leader changed|connection refused/.test(body));

/** A name that does not exist or a certificate that is not trusted stays so; what resets or refuses may come back. */
const isWorthTrying = ({ code }: ApiUnreachable): boolean =>
  /^(ECONN|EPIPE|EHOSTUNREACH|ENETUNREACH|UND_ERR|EAI_AGAIN|TIMEOUT)/.test(code);

function retryAfter({ headers }: Sent): number {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) ? Math.min(seconds * 1000, 5_000) : 0;
}
