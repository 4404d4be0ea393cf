import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/cluster/client.ts';
import { makeBridge } from '../../../src/pki/bridge.ts';
import { makeClientLeaf } from '../../../src/pki/client-leaf.ts';
import { parseCSR } from '../../../src/pki/csr.ts';
import { keyToPem } from '../../../src/pki/pem.ts';
import { combined } from '../../../src/prove/combine.ts';
import { clientLeaf, kubeconfigText, serverLeaf } from '../cluster/material.ts';
import { factsOf, IDENTITIES, NEW, OLD, type World, world } from './world.ts';

let w: World;
const servers: Server[] = [];
beforeEach(async () => {
  w = await world();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await w.close();
});

const serving = serverLeaf(OLD, 'kube-apiserver');

/** A server that lets in clients of these CAs as kube-apiserver does: by 401 or 200, not by the handshake. */
async function listen(
  trusts: (typeof OLD)[],
  chain = serving.cert,
  key = serving.keyPem,
  status = 200,
): Promise<string> {
  const server = createServer(
    { cert: chain, key, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const peer = (request.socket as TLSSocket).getPeerCertificate();
      const known = peer.raw && trusts.some((by) => new X509Certificate(peer.raw).verify(by.certificate.publicKey));
      response.writeHead(known ? status : 401).end();
    },
  );
  servers.push(server);
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  return `127.0.0.1:${port}`;
}

describe('accepts', () => {
  const use = 'n1/kube-apiserver:client-ca';
  async function trusts(cas: (typeof OLD)[], status?: number): Promise<void> {
    const endpoint = await listen(cas, undefined, undefined, status);
    const path = w.put('ca.crt', OLD.certificate.pem);
    w.add(
      { component: 'kube-apiserver', endpoint, flags: { 'client-ca-file': [path] } },
      w.store('ca.crt', 'bundle', [OLD.certificate]),
    );
  }

  test.each([
    ['old', [OLD]],
    ['new', [NEW]],
    ['both', [OLD, NEW]],
    ['none', []],
  ] as const)('%s, whatever its file says', async (value, cas) => {
    await trusts([...cas]);
    const [seen] = await w.look({ kind: 'accepts', of: [use], keep: ['new', 'both'] });
    expect(seen).toMatchObject({ of: use, value });
    expect(seen?.evidence).toMatch(value === 'new' ? /from old with 401, one from new with 200/ : /from new with/);
  });

  test('a server in trouble says nothing about trust', async () => {
    await trusts([OLD, NEW], 503);
    expect(await w.look({ kind: 'accepts', of: [use], keep: ['new', 'both'] })).toMatchObject([{ value: undefined }]);
  });

  test('without the key of old: new accepted is enough to go on, not enough to retire', async () => {
    await trusts([OLD, NEW]);
    w.ctx.identity = (_, generation) => (generation === 'new' ? IDENTITIES.new : undefined);
    expect((await w.look({ kind: 'accepts', of: [use], keep: ['new', 'both'] }))[0]?.value).toBeDefined();
    expect((await w.look({ kind: 'accepts', of: [use], keep: ['new'] }))[0]?.value).toBeUndefined();
  });

  test.each([
    ['both, at once: on the way forth it comes before new alone', [OLD, NEW], ['both'], 0, 'both'],
    ['new, once the server must have read it', [NEW], ['new'], 80_000, 'new'],
    ['new, but not while the server may still have the file before it', [NEW], ['new'], 30_000, undefined],
    ['old in the file of a server that accepts new: nothing', [OLD], ['both'], 80_000, undefined],
  ] as const)('without the key of old the file tells: %s', async (_, held, keep, ago, value) => {
    await trusts([OLD, NEW]);
    w.put('ca.crt', held.map(({ certificate }) => certificate.pem).join(''), Date.now() - ago);
    w.ctx.identity = (_authority, generation) => (generation === 'new' ? IDENTITIES.new : undefined);
    w.ctx.now = () => Date.now() + ago;
    expect((await w.look({ kind: 'accepts', of: [use], keep: [...keep] }))[0]?.value).toBe(value);
  });

  test.each([
    ['old, at once: it refuses new and its file holds old', [OLD], ['old'], 'old'],
    ['nothing, where the file still holds both', [OLD, NEW], ['old'], undefined],
  ] as const)('without the key of old, of a server that refuses new: %s', async (_, held, keep, value) => {
    await trusts([OLD]);
    w.put('ca.crt', held.map(({ certificate }) => certificate.pem).join(''));
    w.ctx.identity = (_authority, generation) => (generation === 'new' ? IDENTITIES.new : undefined);
    expect((await w.look({ kind: 'accepts', of: [use], keep: [...keep] }))[0]?.value).toBe(value);
  });

  test('nobody there: no value, and the evidence says so', async () => {
    w.add(
      { component: 'kube-apiserver', endpoint: '127.0.0.1:1', flags: { 'client-ca-file': [w.path('ca.crt')] } },
      w.store('ca.crt', 'bundle', [OLD.certificate]),
    );
    const [seen] = await w.look({ kind: 'accepts', of: [use], keep: ['new'] });
    expect(seen).toMatchObject({ value: undefined, evidence: expect.stringContaining('ECONNREFUSED') });
  });

  test('a use that is not known is an observation as well', async () => {
    expect(await w.look({ kind: 'accepts', of: ['n9/kubelet:client-ca'], keep: ['new'] })).toMatchObject([
      { of: 'n9/kubelet:client-ca', value: undefined },
    ]);
  });
});

describe('serves', () => {
  const fresh = serverLeaf(NEW, 'kube-apiserver');
  const bridge = makeBridge({ purpose: 'serving', by: OLD, of: NEW.certificate, now: Date.now() });
  test.each([
    ['old', serving.cert, serving.keyPem],
    ['new', fresh.cert, fresh.keyPem],
    ['new+bridge', fresh.cert + bridge.pem, fresh.keyPem],
  ])('%s', async (value, chain, key) => {
    const endpoint = await listen([], chain, key);
    w.add(
      { component: 'kube-apiserver', endpoint, flags: { 'tls-cert-file': [w.path('s.crt')] } },
      w.store('s.crt', 'leaf', [serving.certificate]),
    );
    expect(await w.look({ kind: 'serves', of: ['n1/kube-apiserver:serving'], keep: ['new'] })).toMatchObject([
      { value },
    ]);
  });
});

describe('a callee behind a Service', () => {
  const fresh = serverLeaf(NEW, 'kube-apiserver');
  const bridge = makeBridge({ purpose: 'serving', by: OLD, of: NEW.certificate, now: Date.now() });
  const of = ['webhook/hook:serving'];
  const asOld = () => listen([]);
  const asNew = () => listen([], fresh.cert + bridge.pem, fresh.keyPem);
  /** Pods behind it, by where they listen; those that are not ready come last. */
  function pods(ready: readonly string[], others: readonly string[] = []): void {
    const slice = (endpoint: string, isReady: boolean) => ({
      endpoints: [{ addresses: [endpoint.split(':')[0]], conditions: { ready: isReady } }],
      ports: [{ port: Number(endpoint.split(':')[1]) }],
    });
    const items = [...ready.map((one) => slice(one, true)), ...others.map((one) => slice(one, false))];
    w.api.objects.set('/apis/discovery.k8s.io/v1/namespaces/hooks/endpointslices', { metadata: { name: '' }, items });
  }
  function add(endpoint: string): void {
    w.api.objects.set('/api/v1/namespaces/hooks/services/hook', {
      metadata: { name: 'hook' },
      spec: { ports: [{ port: 443 }] },
    });
    const service = { namespace: 'hooks', name: 'hook', port: 443 };
    const served = factsOf(serving.certificate);
    w.inventory.callees.push({ id: 'webhook/hook', endpoint, service, serverName: 'hook.hooks.svc', served });
  }

  test('is shown when each of its Pods shows it', async () => {
    const [old, one, two] = [await asOld(), await asNew(), await asNew()];
    add(old);
    pods([one, old]);
    expect(await w.look({ kind: 'serves', of, keep: ['new+bridge'] })).toMatchObject([
      { value: 'old', evidence: expect.stringMatching(/^1 of 2 not shown/) },
    ]);
    pods([one, two]);
    expect(await w.look({ kind: 'serves', of, keep: ['new+bridge'] })).toMatchObject([
      { value: 'new+bridge', evidence: expect.stringMatching(/^2 alike/) },
    ]);
  });

  test('is asked where its Pods are now, and not of those that are going', async () => {
    const [gone, one] = [await asOld(), await asNew()];
    add(gone);
    pods([one], [gone]);
    expect(await w.look({ kind: 'serves', of, keep: ['new+bridge'] })).toMatchObject([{ value: 'new+bridge' }]);
    pods([]);
    expect(await w.look({ kind: 'serves', of, keep: ['new+bridge'] })).toMatchObject([
      { value: undefined, evidence: 'its Service hooks/hook has no endpoint' },
    ]);
  });
});

describe('holds', () => {
  test('files, a signer with its key, one that is not there, a key by itself', async () => {
    w.put('ca.crt', OLD.certificate.pem + NEW.certificate.pem);
    w.put('ca.key', keyToPem(OLD.key));
    w.put(
      'manifest.yaml',
      `spec: {containers: [{command: [kube-controller-manager, --cluster-signing-cert-file=/s, --cluster-signing-key-file=/s, --root-ca-file=/r]}]}`,
    );
    w.put('reroot/signer.pem', NEW.certificate.pem + keyToPem(NEW.key));
    const flags = { 'client-ca-file': [w.path('ca.crt')] };
    w.add({ component: 'kube-apiserver', flags }, w.store('ca.crt', 'bundle', [OLD.certificate]));
    w.add({
      component: 'kube-controller-manager',
      flags: {
        'cluster-signing-cert-file': [w.path('ca.crt')],
        'cluster-signing-key-file': [w.path('ca.key')],
        ...flags,
      },
      management: { by: 'static-pod', manifest: w.path('manifest.yaml') },
    });
    const file = (name: string) => `file/n1:${w.path(name)}`;
    const of = ['ca.crt', 'ca.key', 'manifest.yaml', 'reroot/signer.pem'].map(file);
    const seen = await w.look({ kind: 'holds', of, keep: ['new'] });
    expect(seen.map(({ value }) => value)).toEqual(['both', 'old', 'split', 'new']);
    expect(seen.map(({ evidence }) => evidence).join()).not.toMatch(/PRIVATE/);

    w.put('reroot/signer.pem', NEW.certificate.pem + keyToPem(OLD.key));
    expect(await w.look({ kind: 'holds', of: [file('reroot/signer.pem')], keep: ['new'] })).toMatchObject([
      { value: 'mismatched' },
    ]);
    w.put('reroot/signer.pem', NEW.certificate.pem + OLD.certificate.pem + keyToPem(NEW.key));
    expect(await w.look({ kind: 'holds', of: [file('reroot/signer.pem')], keep: ['new'] })).toMatchObject([
      { value: 'bundle' },
    ]);
  });

  test('an object, and one that is gone', async () => {
    const id = 'object/ConfigMap/kube-public/cluster-info#kubeconfig';
    w.inventory.stores.push({ id, kind: 'object-bundle', certs: [] });
    const path = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
    w.api.objects.set(path, {
      metadata: { name: 'cluster-info' },
      data: { kubeconfig: kubeconfigText('https://x', NEW.certificate.pem) },
    });
    expect(await w.look({ kind: 'holds', of: [id], keep: ['new'] })).toMatchObject([{ value: 'new' }]);
    w.api.objects.delete(path);
    expect(await w.look({ kind: 'holds', of: [id], keep: ['new'] })).toMatchObject([
      { value: undefined, evidence: expect.stringContaining('gone') },
    ]);
  });
});

describe('what a start takes up', () => {
  const HOUR = 3_600_000;
  async function scheduler(changedAt?: number) {
    const kubeconfig = w.put('s.conf', kubeconfigText('https://x', NEW.certificate.pem, clientLeaf(NEW)), changedAt);
    const flags = { kubeconfig };
    w.add(
      { component: 'kube-scheduler', flags: { kubeconfig: [kubeconfig] } },
      w.store('s.conf', 'kubeconfig-ca', [NEW.certificate]),
      w.store('s.conf', 'kubeconfig-client', [clientLeaf(NEW).certificate]),
    );
    return flags;
  }

  test('a process younger than its files has loaded them; the same files touched later are not loaded', async () => {
    const flags = await scheduler(Date.now() - HOUR);
    await w.start('kube-scheduler', flags);
    const restarted = { kind: 'restarted', of: ['n1/kube-scheduler'], keep: ['new'] } as const;
    const loaded = {
      kind: 'loaded',
      of: ['n1/kube-scheduler:kubeconfig-ca', 'n1/kube-scheduler:kubeconfig-client'],
      keep: ['new'],
    } as const;
    expect(await w.look(restarted)).toMatchObject([{ value: 'new' }]);
    expect(await w.look(loaded)).toMatchObject([{ value: 'new' }, { value: 'new' }]);

    await scheduler(Date.now() + 1000);
    expect(await w.look(restarted)).toMatchObject([
      { value: undefined, evidence: expect.stringContaining('before the change of') },
    ]);
    expect(await w.look(loaded)).toMatchObject([{ value: undefined }, { value: undefined }]);
  });

  test('a process that is gone, and one with other flags than its manifest', async () => {
    const flags = await scheduler(Date.now() - HOUR);
    const proof = { kind: 'restarted', of: ['n1/kube-scheduler'], keep: ['new'] } as const;
    expect(await w.look(proof)).toMatchObject([{ value: undefined, evidence: 'it does not run' }]);
    await w.start('kube-scheduler', flags);
    const [instance] = w.inventory.instances;
    if (!instance) throw new Error('no instance');
    const manifest = w.put(
      'm.yaml',
      `spec: {containers: [{command: [kube-scheduler, --kubeconfig=${flags.kubeconfig}]}]}`,
    );
    instance.management = { by: 'static-pod', manifest };
    expect(await w.look(proof)).toMatchObject([{ value: 'new' }]);
    w.put('m.yaml', `spec: {containers: [{command: [kube-scheduler, --kubeconfig=${flags.kubeconfig}, --v=4]}]}`);
    expect(await w.look(proof)).toMatchObject([{ value: undefined, evidence: expect.stringContaining('--v') }]);
  });
});

describe('presents', () => {
  const of = ['n1/kube-apiserver:kubelet-client'];
  async function swapped(ago: number): Promise<void> {
    const leaf = clientLeaf(NEW, 'kube-apiserver-kubelet-client');
    const path = w.put('kc.crt', leaf.cert, Date.now() - ago);
    await w.start('kube-apiserver', { 'kubelet-client-certificate': path });
    w.put('kc.crt', leaf.cert, Date.now() - ago);
    w.add(
      { component: 'kube-apiserver', flags: { 'kubelet-client-certificate': [path] } },
      w.store('kc.crt', 'leaf', [leaf.certificate]),
    );
  }

  test('after five minutes client-go has closed what is older', async () => {
    await swapped(301_000);
    expect(await w.look({ kind: 'presents', of, keep: ['new'] })).toMatchObject([{ value: 'new' }]);
  });

  test('before that, not while a kubelet keeps its connections, and yes once every kubelet is younger (trap 25)', async () => {
    await swapped(-1_000);
    w.add({ component: 'kubelet' });
    const keep = ['new'] as const;
    const [kept] = await w.look({ kind: 'presents', of, keep });
    expect(kept).toMatchObject({
      value: undefined,
      evidence: expect.stringContaining('connections to n1/kubelet may be older'),
    });
    await new Promise((resolve) => setTimeout(resolve, 2_700));
    await w.start('kubelet', { config: w.path('x') });
    const [shown] = await w.look({ kind: 'presents', of, keep });
    expect(shown).toMatchObject({
      value: 'new',
      evidence: expect.stringContaining('every kubelet has restarted since'),
    });
  });

  test('the file from old is old, at once', async () => {
    await swapped(301_000);
    w.put('kc.crt', clientLeaf(OLD).cert);
    expect(await w.look({ kind: 'presents', of, keep: ['new'] })).toMatchObject([{ value: 'old' }]);
  });
});

describe('through the API', () => {
  test('signs: a request of our own, approved, read and removed', async () => {
    const base = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    w.add({
      component: 'kube-controller-manager',
      flags: { 'cluster-signing-cert-file': [w.path('ca.crt')], 'client-ca-file': [w.path('ca.crt')] },
    });
    let by = OLD;
    w.api.before = ({ method, url }) => {
      const object = w.api.objects.get(url.split('?')[0] ?? '') as
        | (KubeObject & { spec: { request: string } })
        | undefined;
      if (method === 'PATCH' && url.includes('/approval')) return { status: 200, body: {} };
      if (method !== 'GET' || !url.startsWith(`${base}/`) || !object) return undefined;
      const { publicKey } = parseCSR(Buffer.from(object.spec.request, 'base64'), 'it');
      const leaf = makeClientLeaf(by, { commonName: 'reroot-probe', publicKey, now: Date.now() });
      return { status: 200, body: { ...object, status: { certificate: Buffer.from(leaf.pem).toString('base64') } } };
    };
    const proof = { kind: 'signs', of: ['kube-controller-manager:signer'], keep: ['new'] } as const;
    expect(await w.look(proof)).toMatchObject([{ value: 'old' }]);
    by = NEW;
    expect(await w.look(proof)).toMatchObject([{ value: 'new' }]);
    expect([...w.api.objects.keys()].filter((key) => key.startsWith(base))).toEqual([]);
    w.api.before = ({ method }) =>
      method === 'POST' ? { status: 403, body: { kind: 'Status', message: 'no rights' } } : undefined;
    expect(await w.look(proof)).toMatchObject([
      { value: undefined, evidence: expect.stringContaining('no permission') },
    ]);
  });

  /** One request for a kubelet's certificate, made so many milliseconds ago and answered with this certificate. */
  const asked = (username: string, ago: number, certificate: string, name = 'csr-1'): void =>
    void w.api.objects.set('/apis/certificates.k8s.io/v1/certificatesigningrequests', {
      metadata: { name: '' },
      items: [
        {
          metadata: { name, creationTimestamp: new Date(Date.now() - ago).toISOString() },
          spec: { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', username, request: '' },
          status: { certificate: Buffer.from(certificate).toString('base64') },
        },
      ],
    });
  const inFlight = async () =>
    (await w.look({ kind: 'holds', of: ['object/CertificateSigningRequest//in-flight'], keep: ['new'] }))[0]?.value;

  test('in flight: a certificate from old that its kubelet took up once, and that reroot has replaced since, is not', async () => {
    const { publicKey } = IDENTITIES.new.certificate;
    // Not backdated, as the signer makes them: later than what reroot has put into its place.
    const given = makeClientLeaf(OLD, { commonName: 'system:node:n1', publicKey, now: Date.now() + 3 * 86_400_000 });
    asked('system:bootstrap:abc', 60_000, given.pem);
    const current = w.put('pki/kubelet-client-current.pem', clientLeaf(NEW, 'system:node:n1').cert);
    w.add({
      component: 'kubelet',
      settings: { 'kubeconfig.client-certificate': current },
      flags: { kubeconfig: ['/k'] },
    });

    expect(await inFlight()).toBe('old');
    w.put('pki/kubelet-client-2026-11-25-02-25-01.pem', given.pem);
    expect(await inFlight()).toBe('new');
  });

  test('in flight: a certificate that lies in kubelet.conf itself was taken up', async () => {
    const given = clientLeaf(OLD, 'system:node:n1');
    asked('system:bootstrap:abc', 60_000, given.cert);
    const server = 'https://127.0.0.1:6443';
    const config = w.put('kubelet.conf', kubeconfigText(server, OLD.certificate.pem));
    w.add({ component: 'kubelet', flags: { kubeconfig: [config] } });

    expect(await inFlight()).toBe('old');
    w.put('kubelet.conf', kubeconfigText(server, OLD.certificate.pem, given));
    expect(await inFlight()).toBe('new');
    // What reroot has put into its place begins before the one that the signer made, and of that one no copy is kept.
    const { publicKey } = given.certificate;
    const later = makeClientLeaf(OLD, { commonName: 'system:node:n1', publicKey, now: Date.now() + 3 * 86_400_000 });
    asked('system:bootstrap:abc', 60_000, later.pem);
    w.put('kubelet.conf', kubeconfigText(server, NEW.certificate.pem, clientLeaf(NEW, 'system:node:n1')));
    expect(await inFlight()).toBe('new');
  });

  test('in flight: a request that its kubelet has forgotten by a restart is none, one whose key lies in a file is', async () => {
    const { cert } = clientLeaf(OLD, 'system:node:n1');
    const ask = (username: string, ago: number, name?: string) => asked(username, ago, cert, name);
    w.add({
      component: 'kubelet',
      settings: { 'kubeconfig.client-certificate': w.path('none.pem') },
      flags: { kubeconfig: ['/k'] },
    });
    await w.start('kubelet', { config: w.path('x') });

    ask('system:node:n1', 60_000);
    expect(await inFlight()).toBe('new');
    ask('system:bootstrap:abc', 60_000);
    expect(await inFlight()).toBe('new');
    ask('system:bootstrap:abc', 60_000, 'node-csr-8TOYc_WLFsHVVMnugCF8oQjN');
    expect(await inFlight()).toBe('old');
    ask('system:node:n1', 0);
    expect(await inFlight()).toBe('old');
  });

  test('loaded: a copy of the CA within a text of its owner’s is what that text holds', async () => {
    const id = 'object/ConfigMap/app/settings#app.yaml';
    w.inventory.stores.push({ id, kind: 'object-bundle', embedded: true, certs: factsOf(OLD.certificate) });
    const text = (ca: typeof OLD) => `tls:\n  ca: |\n${ca.certificate.pem.replace(/^(?=.)/gm, '    ')}`;
    const look = async (ca: typeof OLD) => {
      const object = { metadata: { name: 'settings' }, data: { 'app.yaml': text(ca) } } as KubeObject;
      w.api.objects.set('/api/v1/namespaces/app/configmaps/settings', object);
      return (await w.look({ kind: 'loaded', of: ['object/ConfigMap/app/settings:ca'], keep: ['new'] }))[0]?.value;
    };
    expect(await look(OLD)).toBe('old');
    expect(await look(NEW)).toBe('new');
  });

  test('published: every copy, and those whose namespace is gone do not count', async () => {
    const map = (namespace: string, pem: string) => ({
      metadata: { name: 'kube-root-ca.crt', namespace },
      data: { 'ca.crt': pem },
    });
    w.api.objects.set('/api/v1/namespaces', {
      metadata: { name: '' },
      items: ['a', 'b', 'c'].map((name) => ({ metadata: { name } })),
    });
    w.api.objects.set('/api/v1/configmaps', {
      metadata: { name: '' },
      items: [map('a', NEW.certificate.pem), map('b', OLD.certificate.pem)],
    });
    const of = ['a', 'b', 'c', 'gone'].map((namespace) => `object/ConfigMap/${namespace}/kube-root-ca.crt#ca.crt`);
    const seen = await w.look({ kind: 'published', of, keep: ['new'] });
    expect(seen.map(({ value }) => value)).toEqual(['new', 'old', undefined, 'new']);
  });

  test('settled: two quiet minutes once something was dropped, none while both are there', async () => {
    const id = 'object/ConfigMap/kube-system/extension-apiserver-authentication#client-ca-file';
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    const put = (pem: string, ago: number) =>
      w.api.objects.set(path, {
        metadata: { name: 'x', managedFields: [{ time: new Date(Date.now() - ago).toISOString() }] },
        data: { 'client-ca-file': pem },
      });
    const look = async () => (await w.look({ kind: 'settled', of: [id], keep: ['new', 'both'] }))[0]?.value;
    put(NEW.certificate.pem, 60_000);
    expect(await look()).toBeUndefined();
    put(NEW.certificate.pem, 125_000);
    expect(await look()).toBe('new');
    put(OLD.certificate.pem + NEW.certificate.pem, 1_000);
    expect(await look()).toBe('both');
  });

  test('loaded: a kubelet that is older than its certificate holds it while this rotation has put nothing else there', async () => {
    const pair = 'pki/kubelet-client-current.pem';
    await w.start('kubelet', { config: w.path('x') });
    const current = w.put(pair, clientLeaf(OLD, 'system:node:n1').cert, Date.now() + 5_000);
    w.add(
      { component: 'kubelet', settings: { 'kubeconfig.client-certificate': current }, flags: { kubeconfig: ['/k'] } },
      w.store(pair, 'leaf', [clientLeaf(OLD, 'system:node:n1').certificate]),
    );
    const look = (value: 'old' | 'new') =>
      w.look({ kind: 'loaded', of: ['n1/kubelet:kubeconfig-client'], keep: [value] });

    expect(await look('old')).toMatchObject([
      { value: 'old', evidence: expect.stringMatching(/nothing else there yet/) },
    ]);
    w.put(pair, clientLeaf(NEW, 'system:node:n1').cert, Date.now() + 5_000);
    expect(await look('new')).toMatchObject([
      { value: undefined, evidence: expect.stringMatching(/process is older/) },
    ]);
  });

  test('loaded: a pod by its start, by its author’s word and its file, and one that is gone', async () => {
    const uid = 'f1';
    const pod = (name: string, startedAt: number, annotations = {}) => ({
      metadata: { name, namespace: 'app', uid: name === 'rereads' ? uid : name, annotations },
      spec: {
        nodeName: 'n1',
        volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } }],
        containers: [{ name: 'c', volumeMounts: [{ name: 'v' }] }],
      },
      status: {
        phase: 'Running',
        containerStatuses: [{ state: { running: { startedAt: new Date(startedAt).toISOString() } } }],
      },
    });
    const published = Date.now() - 400_000;
    w.inventory.stores.push({
      id: 'object/ConfigMap/app/kube-root-ca.crt#ca.crt',
      kind: 'object-bundle',
      certs: [],
      publishedBy: 'root-ca-publisher',
    });
    w.api.objects.set('/api/v1/namespaces/app/configmaps/kube-root-ca.crt', {
      metadata: { name: 'kube-root-ca.crt', managedFields: [{ time: new Date(published).toISOString() }] },
      data: { 'ca.crt': OLD.certificate.pem + NEW.certificate.pem },
    });
    w.api.objects.set('/api/v1/pods', {
      metadata: { name: '' },
      items: [
        pod('young', published + 30_000),
        pod('frozen', published - 30_000),
        pod('rereads', published - 600_000, { 'reroot.dev/rereads-ca': 'true' }),
      ],
    });
    w.add({ component: 'kubelet', flags: { 'root-dir': [w.path('kubelet')] } });
    const changed = (ago: number) =>
      w.put(
        `kubelet/pods/${uid}/volumes/kubernetes.io~projected/kube-api-access/ca.crt`,
        OLD.certificate.pem + NEW.certificate.pem,
        Date.now() - ago,
      );
    changed(301_000);
    const started = Date.now() - 500_000;
    const names = ['young', 'frozen', 'rereads', 'gone'];
    // Told apart by what the catalogue knows of them, so that each is a class of its own.
    w.addPod({ name: 'young', startedAt: started, holds: [OLD.certificate.fingerprint] });
    w.addPod({ name: 'frozen', startedAt: started });
    w.addPod({ name: 'rereads', startedAt: started, rereads: true });
    w.addPod({ name: 'gone', startedAt: started, rootCA: 'sub-path' });
    const seen = await w.look({
      kind: 'loaded',
      of: names.map((name) => `pod/app/${name}:root-ca`),
      keep: ['new', 'both'],
    });
    const values = Object.fromEntries(seen.map(({ of, value }) => [of.split(/[/:]/)[2], value]));
    expect(values).toMatchObject({ young: 'both', rereads: 'both', frozen: 'old' });
    expect(['new', 'both']).toContain(values.gone);
    expect(seen.find(({ of }) => of.includes('rereads'))?.evidence).toMatch(/a claim, not measured/);

    const rereading = async () =>
      (await w.look({ kind: 'loaded', of: ['pod/app/rereads:root-ca'], keep: ['new', 'both'] }))[0];
    changed(240_000);
    expect(await rereading()).toMatchObject({
      value: undefined,
      evidence: expect.stringMatching(/for 240 s of 300 s that a re-read may take/),
    });
    // By the clock of its node, which is two minutes behind.
    w.inventory.nodes[0]!.clockOffset = -120_000;
    changed(301_000);
    expect((await rereading())?.value).toBeUndefined();
  });
});

describe('several members as one', () => {
  const look = (member: string, value: 'old' | 'new' | undefined) => ({ member, value, evidence: `seen ${member}` });
  test('one that is not shown stands for all', () => {
    expect(combined([look('a', 'new'), look('b', 'old'), look('c', undefined)], ['new'])).toEqual({
      value: 'old',
      evidence: '2 of 3 not shown, b: seen b',
    });
  });
  test('all shown', () => {
    expect(combined([look('a', 'new'), look('b', 'new')], ['new'])).toMatchObject({ value: 'new' });
  });
  test('nobody is not shown', () => {
    expect(combined([], ['new']).value).toBeUndefined();
  });
});
