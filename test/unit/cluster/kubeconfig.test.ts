import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeconfigFiles, loadCredentials } from '../../../src/cluster/kubeconfig.ts';
import type { RerootError } from '../../../src/errors.ts';
import { ca, clientLeaf, kubeconfigText } from './material.ts';

const authority = ca('kubernetes');
const anna = clientLeaf(authority);
const ben = clientLeaf(authority, 'ben');
const good = kubeconfigText('https://10.0.0.1:6443/', authority.certificate.pem, anna);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reroot-kubeconfig-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function put(text: string, name = `config-${count++}`): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}
const load = (text: string, context?: string) =>
  loadCredentials({ kubeconfig: put(text), ...(context ? { context } : {}) });
const failure = (act: () => unknown): RerootError => {
  try {
    act();
  } catch (thrown) {
    return thrown as RerootError;
  }
  throw new Error('it did not fail');
};

describe('loadCredentials', () => {
  it('reads embedded data', () => {
    expect(load(good)).toMatchObject({
      server: 'https://10.0.0.1:6443',
      context: 'anna@kubernetes',
      user: 'anna',
      ca: authority.certificate.pem,
      cert: anna.cert,
      key: anna.keyPem,
      insecure: false,
    });
  });

  it('reads files relative to the kubeconfig, and names them all', () => {
    put(authority.certificate.pem, 'pki/ca.crt');
    put('t0ken\n', 'token');
    const text = kubeconfigText('https://10.0.0.1', authority.certificate.pem)
      .replace(/certificate-authority-data: .*/, 'certificate-authority: pki/ca.crt')
      .replace('token: t0ken', 'tokenFile: token');

    const seen = load(text);

    expect(seen).toMatchObject({ ca: authority.certificate.pem, token: 't0ken' });
    expect(seen.files.slice(1)).toEqual([join(folder, 'pki/ca.crt'), join(folder, 'token')]);
  });

  it('says that a user without a home must name one', () => {
    const homeless = (): never => {
      throw new Error('uv_os_homedir returned ENOENT');
    };

    const thrown = failure(() => kubeconfigFiles({}, {}, homeless));

    expect(thrown).toMatchObject({ exitCode: 2, hints: [expect.stringContaining('--kubeconfig')] });
    expect(thrown.message).toContain('this user has no home folder');
    expect(failure(() => kubeconfigFiles({}, { HOME: folder }, homeless)).message).toContain('~/.kube/config');
  });

  it('reads $KUBECONFIG as a list, the first file that names a thing wins', () => {
    const first = put(
      good.replace('current-context: anna@kubernetes\n', '').replace('https://10.0.0.1:6443/', 'https://first'),
    );
    const second = put(good.replace('https://10.0.0.1:6443/', 'https://second'));

    const seen = loadCredentials({}, { KUBECONFIG: `${join(folder, 'none')}:${first}:${second}` });

    expect(seen).toMatchObject({ server: 'https://first', context: 'anna@kubernetes' });
  });

  it('falls back to ~/.kube/config', () => {
    put(good, 'home/.kube/config');

    expect(loadCredentials({}, { HOME: join(folder, 'home') })).toMatchObject({ user: 'anna' });
    expect(failure(() => loadCredentials({}, { HOME: join(folder, 'nobody') })).message).toMatch(
      /there is no kubeconfig/,
    );
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ['no YAML', () => 'a: [', /is not YAML/],
    [
      'a wrong shape',
      (text) => text.replace(/clusters:[\s\S]*?contexts:/, 'clusters: 3\ncontexts:'),
      /is broken: clusters/,
    ],
    ['no current context', (text) => text.replace(/current-context.*\n/, ''), /no current-context/],
    [
      'a context that is not there',
      (text) => text.replace('current-context: anna', 'current-context: nobody'),
      /there is no context nobody@kubernetes/,
    ],
    [
      'a cluster that is not there',
      (text) => text.replace('cluster: kubernetes', 'cluster: other'),
      /the cluster other, which is not there/,
    ],
    [
      'a user that is not there',
      (text) => text.replace('user: anna', 'user: other'),
      /the user other, which is not there/,
    ],
    ['no server', (text) => text.replace(/server: .*/, 'server: ""'), /is not a URL/],
    ['plain http', (text) => text.replace('https:', 'http:'), /not https/],
    [
      'a CA that is none',
      (text) => text.replace(/(certificate-authority-data: ).*/, '$1aGVsbG8='),
      /CA of cluster kubernetes is not a certificate/,
    ],
    ['a CA that is no base64', (text) => text.replace(/(certificate-authority-data: ).*/, '$1"***"'), /not base64/],
    [
      'a CA file that is not there',
      (text) => text.replace(/certificate-authority-data: .*/, 'certificate-authority: /none'),
      /cannot read the CA/,
    ],
    [
      'a certificate without its key',
      (text) => text.replace(/ {4}client-key-data: .*\n/, ''),
      /certificate without its key/,
    ],
    ['a key that is none', (text) => text.replace(/(client-key-data: ).*/, '$1aGVsbG8='), /not a private key/],
    [
      "another one's key",
      (text) => text.replace(/(client-key-data: ).*/, `$1${Buffer.from(ben.keyPem).toString('base64')}`),
      /do not belong together/,
    ],
    [
      'a plugin',
      (text) => text.replace(/ {4}client-key-data[\s\S]*$/, '    exec: {command: aws}\n'),
      /logs in by exec/,
    ],
    ['a proxy', (text) => text.replace('    server:', '    proxy-url: http://p\n    server:'), /proxy/],
  ])('explains a broken one: %s', (_, breakIt, message) => {
    const thrown = failure(() => load(breakIt(good)));

    expect(thrown.exitCode).toBe(2);
    expect(thrown.message).toMatch(message);
    expect(thrown.message).not.toMatch(/PRIVATE KEY/);
  });

  it('names the contexts there are', () => {
    const thrown = failure(() => load(good, 'prod'));

    expect(thrown.hints.join()).toMatch(/--context: anna@kubernetes/);
  });
});
