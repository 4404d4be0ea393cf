import { describe, expect, it } from 'vitest';
import { wantedFiles } from '../../../src/core/catalog/stores-of.ts';
import type { Instance } from '../../../src/core/model/inventory.ts';

const P = '/etc/kubernetes/pki';
const instance = (
  component: string,
  flags: Record<string, string>,
  settings: Record<string, string> = {},
): Instance => ({
  id: `cp1/${component}`,
  node: 'cp1',
  component,
  flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, [value]])),
  settings,
  management: { by: 'static-pod', manifest: `/etc/kubernetes/manifests/${component}.yaml` },
});

describe('wantedFiles', () => {
  it('reads ca.crt of a kubeadm controller manager once, with the key it signs with', () => {
    const files = wantedFiles(
      instance('kube-controller-manager', {
        'client-ca-file': `${P}/ca.crt`,
        'root-ca-file': `${P}/ca.crt`,
        'cluster-signing-cert-file': `${P}/ca.crt`,
        'cluster-signing-key-file': `${P}/ca.key`,
        kubeconfig: '/etc/kubernetes/controller-manager.conf',
        'authentication-kubeconfig': '/etc/kubernetes/controller-manager.conf',
      }),
    );
    expect(files).toEqual([
      { path: `${P}/ca.crt`, kind: 'bundle', keyPath: `${P}/ca.key`, use: 'signer' },
      { path: '/etc/kubernetes/controller-manager.conf', kind: 'kubeconfig-ca', use: 'kubeconfig-ca' },
      {
        path: '/etc/kubernetes/controller-manager.conf',
        kind: 'kubeconfig-client',
        keyPath: '/etc/kubernetes/controller-manager.conf',
        use: 'kubeconfig-client',
      },
      { path: '/etc/kubernetes/manifests/kube-controller-manager.yaml', kind: 'manifest', use: 'flags' },
    ]);
  });

  it('knows the split signer as a pair, also when only the manifest names it yet', () => {
    const kcm = instance('kube-controller-manager', {
      'cluster-signing-cert-file': `${P}/ca.crt`,
      'cluster-signing-key-file': `${P}/ca.key`,
    });
    const signer = `${P}/reroot/signer.pem`;
    kcm.nextFlags = { 'cluster-signing-cert-file': [signer], 'cluster-signing-key-file': [signer] };
    expect(wantedFiles(kcm).filter((file) => file.use === 'signer')).toEqual([
      { path: `${P}/ca.crt`, kind: 'bundle', keyPath: `${P}/ca.key`, use: 'signer' },
      { path: signer, kind: 'pair', keyPath: signer, use: 'signer' },
    ]);
  });

  it('finds the pair a kubelet rotates by itself, in its own certificate folder', () => {
    const files = wantedFiles(
      instance(
        'kubelet',
        { kubeconfig: '/n/etc/kubernetes/kubelet.conf', 'cert-dir': '/n/var/lib/kubelet/pki' },
        { 'authentication.x509.clientCAFile': `${P}/ca.crt`, rotateCertificates: 'true', serverTLSBootstrap: 'true' },
      ),
    );
    const current = '/n/var/lib/kubelet/pki/kubelet-client-current.pem';
    const serving = '/n/var/lib/kubelet/pki/kubelet-server-current.pem';
    expect(files.slice(0, 4)).toEqual([
      { path: `${P}/ca.crt`, kind: 'bundle', use: 'client-ca' },
      { path: serving, kind: 'leaf', keyPath: serving, use: 'serving' },
      { path: '/n/etc/kubernetes/kubelet.conf', kind: 'kubeconfig-ca', use: 'kubeconfig-ca' },
      { path: current, kind: 'leaf', keyPath: current, use: 'kubeconfig-client' },
    ]);
  });

  it('follows a kubeconfig that names files', () => {
    const files = wantedFiles(
      instance(
        'wardle',
        { kubeconfig: '/w/kubeconfig', 'tls-cert-file': '/w/tls.crt', 'tls-private-key-file': '/w/tls.key' },
        {
          'kubeconfig.certificate-authority': '/w/ca.crt',
          'kubeconfig.client-certificate': '/w/client.crt',
          'kubeconfig.client-key': '/w/client.key',
        },
      ),
    );
    expect(files.map((file) => [file.kind, file.path, file.keyPath])).toEqual([
      ['leaf', '/w/tls.crt', '/w/tls.key'],
      ['bundle', '/w/ca.crt', undefined],
      ['leaf', '/w/client.crt', '/w/client.key'],
      ['manifest', '/etc/kubernetes/manifests/wardle.yaml', undefined],
    ]);
  });

  it('takes a scheduler’s kubeconfig from its configuration file alone, where it has one', () => {
    const paths = (flags: Record<string, string>, settings: Record<string, string> = {}) =>
      wantedFiles(instance('kube-scheduler', flags, settings)).flatMap(({ kind, path }) =>
        kind === 'kubeconfig-ca' ? path : [],
      );
    const told = { 'clientConnection.kubeconfig': '/by-file.conf' };
    expect(paths({ kubeconfig: '/by-flag.conf' })).toEqual(['/by-flag.conf']);
    expect(paths({ kubeconfig: '/by-flag.conf', config: '' }, told)).toEqual(['/by-flag.conf']);
    expect(paths({ kubeconfig: '/by-flag.conf', config: '/s.yaml' }, told)).toEqual(['/by-file.conf']);
    expect(paths({ kubeconfig: '/by-flag.conf', config: '/s.yaml' })).toEqual([]);
  });

  it('gives each SNI pair of an API server', () => {
    const apiserver = instance('kube-apiserver', {});
    apiserver.flags['tls-sni-cert-key'] = ['/a.crt,/a.key:a.example', '/b.crt,/b.key'];
    expect(wantedFiles(apiserver).filter((file) => file.kind === 'leaf')).toEqual([
      { path: '/a.crt', keyPath: '/a.key', kind: 'leaf', use: 'sni' },
      { path: '/b.crt', keyPath: '/b.key', kind: 'leaf', use: 'sni-2' },
    ]);
  });
});
