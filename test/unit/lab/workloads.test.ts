import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { clientGoRereads } from '../../../lab/full/workloads/clients.ts';
import { withDeclared } from '../../../lab/full/workloads/declare.ts';
import { kubeletKinds, withEmbedded, withKind } from '../../../lab/full/workloads/kubelets.ts';
import { ownServing } from '../../../lab/full/workloads/own-ca.ts';
import { isReady } from '../../../lab/full/workloads/ready.ts';
import { wanted } from '../../../lab/full/workloads/shapes.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { requireCertificates } from '../../../src/pki/pem.ts';

const node = (name: string) => ({ name, address: '10.0.0.1', controlPlane: name.startsWith('cp') });

describe('kubelets of every kind', () => {
  it('are all on a lab of three and two', () => {
    const kinds = [...kubeletKinds(['cp1', 'cp2', 'cp3', 'w1', 'w2'].map(node)).values()];
    for (const setting of ['rotateCertificates', 'serverTLSBootstrap', 'embedded'] as const)
      for (const value of [true, false]) expect(kinds.map((kind) => kind[setting])).toContain(value);
  });

  it('keep the rest of their configuration, and change nothing twice', () => {
    const once = withKind('# kept\nclusterDNS: [10.96.0.10]\nrotateCertificates: true\n', {
      rotateCertificates: false,
      serverTLSBootstrap: true,
    });
    expect(once).toContain('# kept');
    expect(parse(once)).toEqual({ clusterDNS: ['10.96.0.10'], rotateCertificates: false, serverTLSBootstrap: true });
    expect(withKind(once, { rotateCertificates: false, serverTLSBootstrap: true })).toBe(once);
  });

  it('can have their client certificate in kubelet.conf, and keep one that is there', () => {
    const { cert, key } = ownServing('ca', ['x'], Date.now());
    const kubeconfig =
      'clusters: []\nusers:\n- name: default-auth\n  user: {client-certificate: /a.pem, client-key: /a.pem}\n';
    const once = withEmbedded(kubeconfig, `${cert}${key}`);
    const { user } = parse(once).users[0];
    expect(Object.keys(user)).toEqual(['client-certificate-data', 'client-key-data']);
    expect(Buffer.from(user['client-certificate-data'], 'base64').toString()).toBe(cert);
    expect(Buffer.from(user['client-key-data'], 'base64').toString().trim()).toBe(key.trim());
    expect(withEmbedded(once, 'another')).toBe(once);
  });
});

describe('workloads', () => {
  it('are named in reroot.yaml, which stays one', () => {
    const text = '# how to reach it\naccess: ssh\nnodes:\n  w1: { host: w1 }\n';
    const all = [{ node: 'w1', component: 'jane', paths: ['/home/jane/.kube/config'] }];
    const once = withDeclared(text, all);
    expect(once).toContain('# how to reach it');
    expect(parseConfig(once, 'reroot.yaml').nodes.w1).toEqual({
      host: 'w1',
      components: { jane: { paths: ['/home/jane/.kube/config'] } },
    });
    expect(withDeclared(once, all)).toBe(once);
  });

  it('have a serving certificate of another CA, for the name of their Service', () => {
    const { ca, cert } = ownServing('own', ['api.wardle.svc'], Date.now());
    const [issuer] = requireCertificates(ca, 'ca');
    const leaf = requireCertificates(cert, 'leaf')[0];
    expect(issuer.subject).toContain('own');
    expect(leaf.issuer).toBe(issuer.subject);
    expect(leaf.dnsNames).toEqual(['api.wardle.svc']);
    expect(readCertificate(leaf.der).fingerprint).toBe(leaf.fingerprint);
  });

  it('claim that client-go re-reads its CA from 1.36 on only', () => {
    expect(['1.34.12', '1.35.9', '1.36.3', '1.40.0'].map(clientGoRereads)).toEqual([false, false, true, true]);
  });

  it('are made where their kind is', () => {
    expect(wanted('apps/v1', 'Deployment', { name: 'a', namespace: 'n' }).path).toBe(
      '/apis/apps/v1/namespaces/n/deployments',
    );
    expect(wanted('v1', 'Namespace', { name: 'a' }).path).toBe('/api/v1/namespaces');
  });
});

describe('ready', () => {
  const metadata = { generation: 2 };
  const of = (status: object) => isReady({ kind: 'Deployment', metadata, spec: { replicas: 2 }, status });
  it('is a Deployment with none but new pods, all ready', () => {
    const whole = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2 };
    expect(of(whole)).toBe(true);
    expect(of({ ...whole, observedGeneration: 1 })).toBe(false);
    expect(of({ ...whole, replicas: 3 })).toBe(false);
    expect(of({ ...whole, updatedReplicas: 1 })).toBe(false);
    expect(of({ ...whole, readyReplicas: 1 })).toBe(false);
    expect(isReady({ kind: 'Deployment', metadata, spec: { replicas: 2 } })).toBe(false);
  });
  it('is a DaemonSet with a pod on a node at least, a Job with all its pods', () => {
    expect(isReady({ kind: 'DaemonSet', metadata, status: { observedGeneration: 2 } })).toBe(false);
    expect(
      isReady({
        kind: 'DaemonSet',
        metadata,
        status: { observedGeneration: 2, desiredNumberScheduled: 1, numberReady: 1 },
      }),
    ).toBe(true);
    expect(isReady({ kind: 'Job', metadata, spec: { parallelism: 2 }, status: { ready: 1 } })).toBe(false);
    expect(isReady({ kind: 'Job', metadata, spec: { parallelism: 2 }, status: { ready: 2 } })).toBe(true);
  });
});
