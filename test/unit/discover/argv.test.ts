import { describe, expect, test } from 'vitest';
import { flag, namesPathBelow, parseArgv } from '../../../src/discover/argv.ts';

describe('a command line as flags', () => {
  test('both forms of a value, a boolean, a repeated flag, one dash', () => {
    const line = parseArgv([
      '/usr/local/bin/kube-apiserver',
      '--client-ca-file=/pki/ca.crt',
      '--secure-port',
      '6443',
      '--allow-privileged',
      '--service-account-key-file=/a.pub',
      '--service-account-key-file=/b.pub',
      '-name=cp1',
    ]);
    expect(line.name).toBe('kube-apiserver');
    expect(line.flags).toEqual({
      'client-ca-file': ['/pki/ca.crt'],
      'secure-port': ['6443'],
      'allow-privileged': ['true'],
      'service-account-key-file': ['/a.pub', '/b.pub'],
      name: ['cp1'],
    });
    expect(flag(line.flags, 'service-account-key-file')).toBe('/b.pub');
  });

  test('values may hold equals signs, dashes and stars; a subcommand is no flag', () => {
    const line = parseArgv([
      'etcd',
      'gateway',
      '--initial-cluster=cp1=https://127.0.0.1:2380',
      '--controllers=*,-x',
      '--',
      '--no',
    ]);
    expect(line.rest).toEqual(['gateway', '--no']);
    expect(line.flags).toEqual({ 'initial-cluster': ['cp1=https://127.0.0.1:2380'], controllers: ['*,-x'] });
  });

  test('an empty value stays a value', () => {
    expect(parseArgv(['kubelet', '--node-ip=']).flags).toEqual({ 'node-ip': [''] });
  });
});

describe('whose process it is', () => {
  const argv = [
    'etcd',
    '--data-dir=/labs/a/nodes/cp1/var/lib/etcd',
    '--cert-file',
    '/labs/a/nodes/cp1/etc/kubernetes/pki/etcd/server.crt',
  ];
  test('a path below the folder', () => expect(namesPathBelow(argv, ['/labs/a/nodes/cp1'])).toBe(true));
  test('cp1 is not cp10', () =>
    expect(namesPathBelow(['etcd', '--data-dir=/labs/a/nodes/cp10/etcd'], ['/labs/a/nodes/cp1'])).toBe(false));
  test('another lab', () => expect(namesPathBelow(argv, ['/labs/b/nodes/cp1'])).toBe(false));
});
