// A small Kubernetes API server for tests: objects in memory, JSON patches with `test`, resource versions, Status answers, over real TLS.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { JsonPatch, KubeObject } from '../../../src/cluster/client.ts';
import { ca, clientLeaf, kubeconfigText, serverLeaf } from './material.ts';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: unknown;
  /** CN of the client certificate, if one was verified. */
  user?: string;
}

export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | 'hang-up';

export interface TestApi {
  url: string;
  seen: Seen[];
  objects: Map<string, KubeObject>;
  /** Answers before the objects do; undefined lets the request through. */
  before: (request: Seen) => Answer | undefined;
  kubeconfig: string;
  server: Server;
  authority: ReturnType<typeof ca>;
  leaf: ReturnType<typeof serverLeaf>;
  close(): Promise<void>;
}

export const status = (code: number, reason: string, message: string, causes: string[] = []): Answer => ({
  status: code,
  body: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message,
    details: { causes: causes.map((text) => ({ message: text })) },
  },
});

export async function startApi(): Promise<TestApi> {
  const authority = ca('kubernetes');
  const leaf = serverLeaf(authority);
  const server = createServer({
    cert: leaf.cert,
    key: leaf.keyPem,
    ca: authority.certificate.pem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const api: TestApi = {
    url: '',
    seen: [],
    objects: new Map(),
    before: () => undefined,
    kubeconfig: '',
    server,
    authority,
    leaf,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  server.on('request', (request, response) => void handle(api, request, response));
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  api.url = `https://127.0.0.1:${port}`;
  api.kubeconfig = kubeconfigText(api.url, authority.certificate.pem, clientLeaf(authority));
  return api;
}

async function handle(api: TestApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const socket = request.socket as TLSSocket;
  const seen: Seen = {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    body: text === '' ? undefined : JSON.parse(text),
    ...(socket.authorized ? { user: socket.getPeerCertificate().subject.CN as string } : {}),
  };
  api.seen.push(seen);
  const answer = api.before(seen) ?? fromObjects(api.objects, seen);
  if (answer === 'hang-up') return void socket.destroy();
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
}

let version = 1000;
const bump = (object: KubeObject): KubeObject => {
  version += 1;
  return { ...object, metadata: { uid: `uid-${version}`, ...object.metadata, resourceVersion: String(version) } };
};

function fromObjects(objects: TestApi['objects'], { method, url, body }: Seen): Answer {
  const path = url.split('?')[0] ?? '';
  const found = objects.get(path);
  if (method === 'POST') {
    const object = body as KubeObject;
    const key = `${path}/${object.metadata.name}`;
    if (objects.has(key)) return status(409, 'AlreadyExists', `${object.metadata.name} already exists`);
    const made = bump(object);
    objects.set(key, made);
    return { status: 201, body: made };
  }
  if (!found) return status(404, 'NotFound', `${path} not found`);
  if (method === 'DELETE') {
    const { uid, resourceVersion } =
      (body as { preconditions?: { uid?: string; resourceVersion?: string } }).preconditions ?? {};
    if ((uid && uid !== found.metadata.uid) || (resourceVersion && resourceVersion !== found.metadata.resourceVersion))
      return status(409, 'Conflict', 'Precondition failed');
    objects.delete(path);
    return { status: 200, body: {} };
  }
  // Merge patches are used for dry runs only here.
  if (method === 'PATCH' && !Array.isArray(body)) return { status: 200, body: found };
  if (method === 'PATCH') {
    const patched = structuredClone(found);
    for (const operation of body as JsonPatch[]) {
      // As kube-apiserver 1.36 answers: it does not say that a test failed.
      if (!applyOperation(patched, operation))
        return status(422, 'Invalid', 'the server rejected our request due to an error in our request');
    }
    const next = bump(patched);
    objects.set(path, next);
    return { status: 200, body: next };
  }
  return { status: 200, body: found };
}

function applyOperation(target: KubeObject, operation: JsonPatch): boolean {
  const parts = operation.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = parts.pop() ?? '';
  const parent = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], target) as Record<
    string,
    unknown
  >;
  if (operation.op === 'test') return JSON.stringify(parent[last]) === JSON.stringify(operation.value);
  if (operation.op === 'remove') delete parent[last];
  else parent[last] = operation.value;
  return true;
}
