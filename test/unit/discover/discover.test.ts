// A whole look: a small API server over real TLS, and a node that is a folder, with a process that calls itself kube-apiserver.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type KubeObject } from '../../../src/cluster/client.ts';
import { parseConfig } from '../../../src/config/config.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import { type DiscoverDeps, discover } from '../../../src/discover/discover.ts';
import { usersOf } from '../../../src/discover/users.ts';
import { NodeUnreachable } from '../../../src/nodes/access.ts';
import { localAccess } from '../../../src/nodes/local.ts';
import { keyToPem } from '../../../src/pki/pem.ts';
import { plainColours } from '../../../src/views/colours.ts';
import { inspectLines } from '../../../src/views/inspect.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';
import { ca, clientLeaf, kubeconfigText, serverLeaf } from '../cluster/material.ts';

const folder = mkdtempSync(join(tmpdir(), 'reroot-discover-'));
const at = (path: string): string => join(folder, path);
const children: ChildProcess[] = [];
let api: TestApi;
let inventory: Inventory;
let deps: DiscoverDeps;

const frontProxy = ca('front-proxy-ca');
const stranger = ca('somebody-else');

function put(path: string, text: string, mode = 0o600): string {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text, { mode });
  chmodSync(at(path), mode);
  return at(path);
}

function start(name: string, flags: Record<string, string>): void {
  const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  // The script idles; the process table shows the name and the flags.
  const script = put('idle.cjs', 'setInterval(() => {}, 1e6);');
  const child = spawn(process.execPath, [script, ...words], { argv0: name, stdio: 'ignore' });
  children.push(child);
}

const list = (items: unknown[]): KubeObject => ({ metadata: { name: '' }, items });
const named = (name: string, namespace?: string) => ({
  name,
  ...(namespace ? { namespace } : {}),
  creationTimestamp: '2026-01-01T00:00:00Z',
});

beforeAll(async () => {
  api = await startApi();
  const kubernetes = api.authority;
  writeFiles();
  writeObjects();
  const config = parseConfig(
    `
access: exec
exec: unused
nodes:
  n1:
    components:
      kube-apiserver: {restart: restart-it, paths: [${folder}/etc]}
      people: {paths: [${folder}/home/anna/kube.txt]}
  away: {components: {kubelet: {}}}`,
    'reroot.yaml',
  );
  deps = {
    config,
    cluster: connect({ kubeconfig: put('kubeconfig', api.kubeconfig) }),
    accessOf: (node) =>
      node === 'n1'
        ? localAccess(node)
        : { node, run: () => Promise.reject(new NodeUnreachable(node, 'nobody answers')) },
  };
  inventory = await discover(deps, { now: Date.now() });

  function writeFiles(): void {
    put('etc/pki/ca.crt', kubernetes.certificate.pem, 0o644);
    put('etc/pki/ca.key', keyToPem(kubernetes.key));
    put('etc/pki/front-proxy-ca.crt', frontProxy.certificate.pem, 0o644);
    put('etc/pki/front-proxy-ca.key', keyToPem(frontProxy.key), 0o644);
    const serving = serverLeaf(kubernetes, 'kube-apiserver');
    put('etc/pki/apiserver.crt', serving.cert, 0o644);
    put('etc/pki/apiserver.key', serverLeaf(kubernetes).keyPem);
    const proxy = clientLeaf(frontProxy, 'front-proxy-client');
    put('etc/pki/front-proxy-client.crt', proxy.cert, 0o644);
    put('etc/pki/front-proxy-client.key', proxy.keyPem);
    linkSync(at('etc/pki/front-proxy-client.crt'), at('backup-of-proxy.crt'));
    put('etc/pki/torn.crt', '-----BEGIN CERTIFICATE-----\nMIIB\n');
    put('etc/pki/other.crt', stranger.certificate.pem);
    put('etc/pki/reroot/staging/kubernetes-new.key', keyToPem(stranger.key));
    put('etc/pki/kubelet-client-2026-01-02-03-04-05.pem', clientLeaf(kubernetes).cert);
    put(
      'etc/admin.conf',
      kubeconfigText('https://10.0.0.1:6443', kubernetes.certificate.pem, clientLeaf(kubernetes, 'admin')),
    );
    put('home/anna/kube.txt', kubeconfigText('https://10.0.0.1:6443', kubernetes.certificate.pem));
    put(
      'etc/manifests/kube-apiserver.yaml',
      'spec: {containers: [{image: "registry.k8s.io/kube-apiserver:v1.36.3", command: [kube-apiserver, --client-ca-file=/elsewhere]}]}',
    );
    symlinkSync(at('etc/pki/ca.crt'), at('etc/pki/link.crt'));
    start('kube-apiserver', {
      'advertise-address': '10.0.0.1',
      'client-ca-file': at('etc/pki/ca.crt'),
      'requestheader-client-ca-file': at('etc/pki/front-proxy-ca.crt'),
      'tls-cert-file': at('etc/pki/apiserver.crt'),
      'tls-private-key-file': at('etc/pki/apiserver.key'),
      'proxy-client-cert-file': at('etc/pki/front-proxy-client.crt'),
      'proxy-client-key-file': at('etc/pki/front-proxy-client.key'),
    });
  }

  function writeObjects(): void {
    const root = kubernetes.certificate.pem;
    const set = (path: string, items: unknown[]) => api.objects.set(path, list(items));
    api.objects.set('/version', { gitVersion: 'v1.36.3' } as unknown as KubeObject);
    set('/api/v1/nodes', [
      {
        metadata: { ...named('n1'), labels: { 'node-role.kubernetes.io/control-plane': '' } },
        status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
      },
    ]);
    set('/api/v1/namespaces', [{ metadata: named('app') }, { metadata: named('kube-system') }]);
    set('/api/v1/configmaps', [
      { metadata: named('kube-root-ca.crt', 'app'), data: { 'ca.crt': root } },
      { metadata: named('copy', 'app'), data: { 'bundle.pem': `# ours\n${root}`, note: 'x'.repeat(300) } },
      {
        metadata: named('settings', 'app'),
        data: { 'app.yaml': `tls:\n  ca: |\n${root.replace(/^(?=.)/gm, '    ')}` },
      },
      { metadata: named('torn', 'app'), data: { 'ca.crt': root.slice(0, 400) } },
      { metadata: named('example', 'app'), data: { text: `-----BEGIN CERTIFICATE-----\n${'…'.repeat(200)}` } },
      { metadata: named('ingress', 'app'), data: { 'ca.pem': stranger.certificate.pem } },
      {
        metadata: named('cluster-info', 'kube-public'),
        data: { kubeconfig: kubeconfigText('https://10.0.0.1:6443', root) },
      },
    ]);
    const secrets = [
      {
        type: 'kubernetes.io/service-account-token',
        metadata: named('legacy', 'app'),
        data: { 'ca.crt': Buffer.from(root).toString('base64') },
      },
      {
        type: 'kubernetes.io/tls',
        metadata: named('web', 'app'),
        data: {
          'tls.crt': Buffer.from(serverLeaf(kubernetes, 'web').cert).toString('base64'),
          'tls.key': Buffer.from(keyToPem(stranger.key)).toString('base64'),
        },
      },
    ];
    set('/api/v1/pods', [
      {
        metadata: { ...named('p', 'app'), uid: 'u1' },
        spec: {
          nodeName: 'n1',
          volumes: [{ name: 't', secret: { secretName: 'legacy' } }],
          containers: [{ name: 'c', volumeMounts: [{ name: 't' }] }],
        },
        status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' },
      },
    ]);
    set('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', [
      {
        metadata: named('hook'),
        webhooks: [
          { name: 'a.hook.io', clientConfig: { url: `${api.url}/x`, caBundle: Buffer.from(root).toString('base64') } },
        ],
      },
    ]);
    for (const path of [
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      '/apis/apiregistration.k8s.io/v1/apiservices',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    ]) {
      set(path, []);
    }
    api.before = ({ url }) => {
      if (!url.startsWith('/api/v1/secrets')) return undefined;
      const type = new URL(url, 'https://x').searchParams.get('fieldSelector')?.replace('type=', '');
      return { status: 200, body: list(secrets.filter((secret) => secret.type === type)) };
    };
  }
}, 60_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await deps?.cluster.close();
  await api?.close();
  rmSync(folder, { recursive: true, force: true });
});

const store = (id: string) => inventory.stores.find((one) => one.id === id);
const file = (path: string, part = '') => store(`file/n1:${at(path)}${part}`);
const reasons = (subject: string) =>
  inventory.findings.filter((one) => one.subject === subject).map(({ reason }) => reason);

test('the component is found by its process, with its flags, its way to restart and what its next start will read', () => {
  const [server] = inventory.instances;
  expect(inventory.instances).toHaveLength(1);
  expect(server).toMatchObject({
    id: 'n1/kube-apiserver',
    endpoint: '10.0.0.1:6443',
    version: '1.36.3',
    management: { by: 'command', command: 'restart-it', manifest: at('etc/manifests/kube-apiserver.yaml') },
    nextFlags: { 'client-ca-file': ['/elsewhere'] },
  });
  expect(server?.startedAt).toBeGreaterThan(Date.now() - 60_000);
  expect(reasons('n1/kube-apiserver')).toContain('manifest-not-in-effect');
});

test('authorities are what the API server trusts, with their keys where they lie', () => {
  expect(
    inventory.authorities.map(({ authority, anchors, keys }) => [
      authority,
      anchors.length,
      keys.map(({ path }) => path),
    ]),
  ).toEqual([
    ['kubernetes', 1, [at('etc/pki/ca.key')]],
    ['front-proxy', 1, [at('etc/pki/front-proxy-ca.key')]],
  ]);
});

test('a file is a store with mode, owner, links and times, and its key by public half only', () => {
  const proxy = file('etc/pki/front-proxy-client.crt');
  expect(proxy).toMatchObject({ kind: 'leaf', mode: 0o644, links: 2, keyPath: at('etc/pki/front-proxy-client.key') });
  expect(proxy?.keySpki).toBe(proxy?.certs[0]?.spki);
  expect(proxy?.certs[0]?.signedBy).toEqual([frontProxy.certificate.fingerprint]);
  expect(JSON.stringify(inventory)).not.toMatch(/PRIVATE KEY/);
});

test('what nobody uses is seen as well: copies, a link, people', () => {
  const users = usersOf(inventory);
  expect(file('etc/pki/other.crt')?.kind).toBe('bundle');
  expect(file('etc/pki/link.crt')?.certs[0]?.subject).toBe('CN=kubernetes');
  expect(file('etc/admin.conf', '#client')).toMatchObject({ kind: 'kubeconfig-client', user: 'anna' });
  expect(file('home/anna/kube.txt', '#ca')).toMatchObject({ kind: 'kubeconfig-ca', server: 'https://10.0.0.1:6443' });
  // A kubeconfig with a token presents no certificate.
  expect(file('home/anna/kube.txt', '#client')).toBeUndefined();
  expect(users.get(`file/n1:${at('etc/pki/ca.crt')}`)).toEqual(['n1/kube-apiserver:client-ca']);
  expect(users.has(`file/n1:${at('etc/pki/other.crt')}`)).toBe(false);
});

test("a rotation's own folders and a kubelet's earlier pairs are no stores", () => {
  expect(
    inventory.stores.filter(({ path }) => path?.includes('staging') || path?.includes('kubelet-client-2026')),
  ).toEqual([]);
});

test('objects: what is published, copies of the CA, leafs from it; nothing of strangers', () => {
  const objects = inventory.stores.filter(({ id }) => id.startsWith('object/')).map(({ id, kind }) => [id, kind]);
  expect(objects).toEqual([
    ['object/ConfigMap/app/copy#bundle.pem', 'object-bundle'],
    ['object/ConfigMap/app/kube-root-ca.crt#ca.crt', 'object-bundle'],
    ['object/ConfigMap/app/settings#app.yaml', 'object-bundle'],
    ['object/ConfigMap/kube-public/cluster-info#kubeconfig', 'object-bundle'],
    ['object/Secret/app/legacy#ca.crt', 'object-bundle'],
    ['object/Secret/app/web#tls.crt', 'object-leaf'],
    ['object/ValidatingWebhookConfiguration//hook#a.hook.io', 'object-bundle'],
  ]);
  expect(store('object/ConfigMap/app/settings#app.yaml')?.embedded).toBe(true);
  expect(store('object/Secret/app/legacy#ca.crt')?.publishedBy).toBe('root-ca-publisher');
});

test('pods, namespaces, and a callee with the chain it serves', () => {
  expect(inventory.pods).toMatchObject([{ id: 'pod/app/p', rootCA: 'projected' }]);
  expect(inventory.namespaces).toEqual(['app', 'kube-system']);
  const [hook] = inventory.callees;
  expect(hook).toMatchObject({
    id: 'webhook/hook',
    serverName: '127.0.0.1',
    caBundle: 'object/ValidatingWebhookConfiguration//hook#a.hook.io',
  });
  expect(hook?.served?.[0]?.fingerprint).toBe(api.leaf.certificate.fingerprint);
});

test('each thing that is wrong is a finding', () => {
  expect(reasons(`file/n1:${at('etc/pki/apiserver.crt')}`)).toContain('pair-mismatch');
  expect(reasons(`file/n1:${at('etc/pki/front-proxy-client.crt')}`)).toContain('hard-link');
  expect(reasons(`file/n1:${at('etc/pki/torn.crt')}`)).toEqual(['malformed-store']);
  expect(reasons(`file/n1:${at('etc/pki/front-proxy-ca.key')}`)).toEqual(['key-world-readable']);
  expect(reasons('object/ConfigMap/app/torn#ca.crt')).toEqual(['malformed-store']);
  expect(inventory.findings.filter(({ message, subject }) => /example/.test(`${subject} ${message}`))).toEqual([]);
  expect(reasons('node/away')).toEqual(['node-not-reached']);
  expect(inventory.nodes.find(({ name }) => name === 'away')).toMatchObject({ reached: false, why: 'nobody answers' });
  for (const { message, fix, severity } of inventory.findings) {
    expect(message).not.toBe('');
    if (severity !== 'note') expect(fix, message).toBeTruthy();
  }
});

test('inspect shows it by authority, and no path of a key without need', () => {
  const lines = inspectLines({ inventory, users: usersOf(inventory), colours: plainColours });
  const text = lines.join('\n');
  expect(text).toMatch(/^kubernetes\n {2}CN=kubernetes {2}[0-9a-f]{12} .* key on n1$/m);
  expect(text).toMatch(/ConfigMap app\/copy#bundle.pem +used by nobody seen/);
  expect(text).toMatch(/n1:.*etc\/pki\/ca.crt +<- kube-apiserver client-ca/);
  expect(text).toMatch(/error key-world-readable/);
  expect(text).not.toMatch(/PRIVATE KEY/);
});

test('a node in reroot.yaml that is no node is wrong use', async () => {
  const config = { ...deps.config, nodes: { ...deps.config.nodes, 'n1-typo': { components: {} } } };
  await expect(discover({ ...deps, config }, { now: Date.now() })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('n1-typo'),
    hints: ['nodes of the cluster: n1'],
  });
});

test('an identity that may not list something is wrong use, never half an inventory', async () => {
  const before = api.before;
  api.before = (request) =>
    request.url.startsWith('/api/v1/configmaps')
      ? { status: 403, body: { kind: 'Status', reason: 'Forbidden', message: 'configmaps is forbidden' } }
      : before(request);
  try {
    await expect(discover(deps, { now: Date.now() })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('/api/v1/configmaps'),
    });
  } finally {
    api.before = before;
  }
});

test('what a node meets at the server of a component’s kubeconfig is seen, of people’s it is not', async () => {
  expect(inventory.fronts).toEqual([]);
  start('kube-scheduler', {
    kubeconfig: put('etc/scheduler.conf', kubeconfigText(api.url, api.authority.certificate.pem)),
  });
  const { fronts } = await discover(deps, { now: Date.now() });
  children.pop()?.kill('SIGKILL');
  expect(fronts).toMatchObject([{ node: 'n1', server: api.url }]);
  expect(fronts?.[0]?.served?.[0]).toMatchObject({
    fingerprint: api.leaf.certificate.fingerprint,
    signedBy: [api.authority.certificate.fingerprint],
  });
});

test('a CA in a file of its own, another name to look for and a proxy are part of the way to that server', async () => {
  const named = (user: string, more: string) =>
    put(
      `etc/${user}.conf`,
      `current-context: c
clusters: [{name: k, cluster: {server: "${api.url}", certificate-authority: lb-ca.crt${more}}}]
users: [{name: u, user: {token: t0ken}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
`,
    );
  put('etc/lb-ca.crt', api.authority.certificate.pem);
  start('kube-scheduler', { kubeconfig: named('scheduler', ', tls-server-name: api.example') });
  start('kube-proxy', { kubeconfig: named('proxy', ', proxy-url: "http://anna:secret@10.0.0.7:3128"') });
  const found = await discover(deps, { now: Date.now() });
  const round = await discover(deps, { now: Date.now(), fronts: false });
  for (const child of children.splice(-2)) child.kill('SIGKILL');
  expect(found.fronts).toHaveLength(2);
  expect(found.fronts?.find(({ serverName }) => serverName === 'api.example')?.served?.[0]?.fingerprint).toBe(
    api.leaf.certificate.fingerprint,
  );
  expect(found.fronts?.find(({ serverName }) => serverName === undefined)?.why).toMatch(
    /behind the proxy 10\.0\.0\.7:3128/,
  );
  expect(JSON.stringify(found)).not.toContain('secret');
  expect(round.fronts).toBe(undefined);
});
