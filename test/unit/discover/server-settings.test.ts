import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Instance } from '../../../src/core/model/inventory.ts';
import { namedInSettings, pathsIn } from '../../../src/discover/server-settings.ts';
import { localAccess } from '../../../src/nodes/local.ts';

const folder = mkdtempSync(join(tmpdir(), 'reroot-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const put = (name: string, text: string): string => {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
};

it('follows an admission configuration to the kubeconfig of a plugin', async () => {
  const kubeconfig = put('deep/policy.conf', 'kind: Config');
  const plugin = put('plugins/policy.yaml', `imagePolicy: {kubeConfigFile: ${kubeconfig}, allowTTL: 50}`);
  const settings = put('admission.yaml', 'plugins:\n- name: ImagePolicyWebhook\n  path: plugins/policy.yaml\n');
  const server = { component: 'kube-apiserver', flags: { 'admission-control-config-file': [settings] } };
  const found = await namedInSettings(localAccess('n1'), [server as unknown as Instance]);
  expect(found.sort()).toEqual([settings, kubeconfig, plugin].sort());
});

it('asks nothing of a node whose API server has no such file', async () => {
  const access = { ...localAccess('n1'), run: () => Promise.reject(new Error('asked')) };
  const server = { component: 'kube-apiserver', flags: { 'authorization-config': ['relative.yaml'] } };
  expect(await namedInSettings(access, [server as unknown as Instance])).toEqual([]);
});

it('reads paths by what is there, and nothing else for one', () => {
  const text = `
egressSelections:
- connection:
    transport: {uds: {udsName: /run/konnectivity.socket}, tcp: {tlsConfig: {caBundle: pki/ca.crt, clientKey: /k}}}
    url: https://x/y
  name: cluster
mode: a b
`;
  expect(pathsIn(text, '/etc/k')).toEqual(['/run/konnectivity.socket', '/etc/k/pki/ca.crt', '/k']);
  expect(pathsIn('- *nothing\n- {', '/')).toEqual([]);
  expect(pathsIn('-----BEGIN CERTIFICATE-----\nAAAA\n', '/')).toEqual([]);
});
