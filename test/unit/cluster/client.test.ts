import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ApiError,
  ApiUnreachable,
  type Cluster,
  connect,
  isConflict,
  isNotFound,
} from '../../../src/cluster/client.ts';
import { startApi, status, type TestApi } from './api-server.ts';
import { ca, clientLeaf, kubeconfigText } from './material.ts';

const MAP = '/api/v1/namespaces/kube-system/configmaps/x';
let api: TestApi;
let folder: string;
let file: string;
let cluster: Cluster;

beforeEach(async () => {
  api = await startApi();
  folder = mkdtempSync(join(tmpdir(), 'reroot-client-'));
  file = join(folder, 'kubeconfig');
  writeFileSync(file, api.kubeconfig);
  cluster = connect({ kubeconfig: file });
});
afterEach(async () => {
  await cluster.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', resourceVersion: '7' },
  data: { a: '1' },
  newerThanUs: { deep: [1] },
};

describe('objects', () => {
  it('gives fields it does not know, and sends nothing but the operations', async () => {
    api.objects.set(MAP, configMap);

    const seen = await cluster.get(MAP);
    const patched = await cluster.patch(MAP, [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '2' },
    ]);

    expect(seen).toEqual(configMap);
    expect(patched).toMatchObject({ data: { a: '2' }, newerThanUs: { deep: [1] } });
    expect(api.objects.get(MAP)).toMatchObject({ newerThanUs: { deep: [1] } });
    const sent = api.seen.at(-1);
    expect(sent).toMatchObject({ method: 'PATCH', url: `${MAP}?fieldManager=reroot`, user: 'anna' });
    expect(sent?.headers['content-type']).toBe('application/json-patch+json');
    expect(sent?.body).toEqual([
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '2' },
    ]);
  });

  it('tells a failed precondition and a missing object from other errors', async () => {
    api.objects.set(MAP, configMap);
    const failed = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );

    const conflict = await failed(cluster.patch(MAP, [{ op: 'test', path: '/data/a', value: 'other' }]));
    const missing = await failed(cluster.get(`${MAP}-none`));

    expect(isConflict(conflict)).toBe(true);
    expect(isNotFound(missing)).toBe(true);
    expect(isConflict(missing)).toBe(false);
    expect(conflict).toMatchObject({ status: 422, reason: 'Invalid' });
    api.before = () => status(422, 'Invalid', 'ConfigMap "x" is invalid: data: Too long');
    expect(isConflict(await failed(cluster.patch(MAP, [])))).toBe(false);
  });

  it('dry runs, deletes with preconditions, merges', async () => {
    api.objects.set(MAP, configMap);

    await cluster.patch(MAP, { metadata: { labels: { a: 'b' } } }, { dryRun: true });
    await expect(cluster.remove(MAP, { resourceVersion: '6' })).rejects.toMatchObject({ status: 409 });
    await cluster.remove(MAP, { resourceVersion: '7' });

    expect(api.seen[0]).toMatchObject({ url: `${MAP}?fieldManager=reroot&dryRun=All` });
    expect(api.seen[0]?.headers['content-type']).toBe('application/merge-patch+json');
    expect(api.objects.has(MAP)).toBe(false);
  });

  it.each([
    [401, 'Unauthorized', /kubeconfig run out/],
    [403, 'Forbidden', /cluster-admin/],
  ])('explains %i with the next step', async (code, reason, hint) => {
    api.before = () => status(code, reason, 'no');

    const thrown = await cluster.get(MAP).catch((error: unknown) => error);

    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({ status: code, reason, exitCode: 4 });
    expect((thrown as ApiError).hints.join()).toMatch(hint);
  });

  it('shows what something that is no API server said', async () => {
    api.before = () => ({ status: 200, body: '<html>welcome</html>' });

    await expect(cluster.get(MAP)).rejects.toThrow(/not JSON: <html>welcome/);
  });
});

describe('lists', () => {
  const page = (from: number, more: boolean) => ({
    status: 200,
    body: {
      kind: 'List',
      metadata: more ? { continue: `after-${from}` } : {},
      items: [{ metadata: { name: `n${from}` } }],
    },
  });

  it('are read page by page with the selectors asked for', async () => {
    api.before = ({ url }) => page(url.includes('continue=after-0') ? 1 : 0, !url.includes('continue'));

    const items = await cluster.list('/api/v1/pods', { fieldSelector: 'spec.nodeName=n1', metadataOnly: true });

    expect(items.map(({ metadata }) => metadata.name)).toEqual(['n0', 'n1']);
    expect(api.seen.map(({ url }) => url)).toEqual([
      '/api/v1/pods?limit=500&fieldSelector=spec.nodeName%3Dn1',
      '/api/v1/pods?limit=500&fieldSelector=spec.nodeName%3Dn1&continue=after-0',
    ]);
    expect(api.seen[0]?.headers.accept).toMatch(/PartialObjectMetadataList/);
  });

  it('start again when the snapshot has gone, the last time in one piece', async () => {
    api.before = ({ url }) =>
      url.includes('continue')
        ? status(410, 'Expired', 'too old')
        : url.includes('limit')
          ? page(0, true)
          : page(9, false);

    const items = await cluster.list('/api/v1/pods');

    expect(items.map(({ metadata }) => metadata.name)).toEqual(['n9']);
    expect(api.seen).toHaveLength(7);
  });
});

describe('trouble', () => {
  it('waits as told and tries again when turned away', async () => {
    let turns = 0;
    api.objects.set(MAP, configMap);
    api.before = () =>
      turns++ < 2
        ? { ...(status(429, 'TooManyRequests', 'later') as object), status: 429, headers: { 'retry-after': '0' } }
        : undefined;

    await expect(cluster.get(MAP)).resolves.toEqual(configMap);
    expect(turns).toBe(3);
  });

  it('repeats a read whose answer was lost, but never a write', async () => {
    let turns = 0;
    api.objects.set(MAP, configMap);
    api.before = () => (turns++ < 1 ? 'hang-up' : undefined);
    await expect(cluster.get(MAP)).resolves.toEqual(configMap);

    turns = 0;
    const thrown = await cluster
      .patch(MAP, [{ op: 'replace', path: '/data/a', value: '2' }])
      .catch((error: unknown) => error);

    expect(thrown).toBeInstanceOf(ApiUnreachable);
    expect(thrown).toMatchObject({ maybeDone: true });
    expect(turns).toBe(1);
  });

  it('tries once when told so', async () => {
    api.before = () => status(503, 'ServiceUnavailable', 'no');

    await expect(cluster.request('GET', '/readyz', { retryFor: 0 })).resolves.toMatchObject({ status: 503 });
    expect(api.seen).toHaveLength(1);
  });

  it('gives up on a server that is not there, and says so', async () => {
    const away = cluster.at('https://127.0.0.1:1');

    const thrown = await away.get(MAP, { retryFor: 300 }).catch((error: unknown) => error);

    expect(thrown).toMatchObject({ code: 'ECONNREFUSED', maybeDone: false, exitCode: 4 });
    expect((thrown as Error).message).toMatch(/cannot reach 127.0.0.1:1/);
  });

  it('does not try again what is not trusted', async () => {
    writeFileSync(file, kubeconfigText(api.url, ca('another').certificate.pem));

    const began = Date.now();
    const thrown = await cluster.get(MAP).catch((error: unknown) => error);

    expect((thrown as Error).message).toMatch(/no trusted connection to 127.0.0.1/);
    expect((thrown as ApiUnreachable).hints.join()).toMatch(/does not trust/);
    expect(Date.now() - began).toBeLessThan(2_000);
    expect(api.seen).toHaveLength(0);
  });

  it('ends by a time limit and by a signal', async () => {
    const signal = AbortSignal.timeout(200);
    await expect(cluster.at('https://127.0.0.1:1').get(MAP, { signal })).rejects.toThrow();
    await expect(cluster.get(MAP, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});

describe('its own rotation', () => {
  it('takes up a kubeconfig that was changed, and keeps the old one while a file is half written', async () => {
    api.objects.set(MAP, configMap);
    const next = ca('kubernetes-2026');
    await cluster.get(MAP);
    expect(api.seen.at(-1)?.user).toBe('anna');

    writeFileSync(file, api.kubeconfig.slice(0, 300));
    await expect(cluster.get(MAP)).resolves.toEqual(configMap);

    api.server.setSecureContext({ ...serving(), ca: [api.authority.certificate.pem, next.certificate.pem].join('') });
    writeFileSync(
      `${file}.new`,
      kubeconfigText(api.url, api.authority.certificate.pem, clientLeaf(next, 'anna-of-new')),
    );
    renameSync(`${file}.new`, file);
    await cluster.get(MAP);
    expect(api.seen.at(-1)?.user).toBe('anna-of-new');
  });

  it('shows another server to the same identity', async () => {
    api.objects.set(MAP, configMap);
    const other = cluster.at(`${api.url.replace('127.0.0.1', 'localhost')}/`);

    await other.get(MAP);

    expect(other.server).toMatch(/^https:\/\/localhost:\d+$/);
    expect(api.seen.at(-1)).toMatchObject({ user: 'anna', headers: { host: expect.stringMatching(/^localhost/) } });
  });
});

const serving = () => ({ cert: api.leaf.cert, key: api.leaf.keyPem });
