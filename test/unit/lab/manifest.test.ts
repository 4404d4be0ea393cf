import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOf, manifestOf, readManifest, writeManifest } from '../../../lab/processes/manifest.ts';

describe('manifests', () => {
  it('come back as they were written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifest-'));
    try {
      const path = join(folder, 'manifests/etcd.yaml');
      const command = commandOf('etcd', { name: 'cp1', 'listen-peer-urls': `https://${'x'.repeat(200)}:2380` });
      writeManifest(path, manifestOf('etcd', command, { after: 'https://x/readyz' }));
      expect(readManifest(readFileSync(path, 'utf8'))).toEqual({
        argv: command,
        env: {},
        after: 'https://x/readyz',
      });
      expect(readdirSync(join(folder, 'manifests'))).toEqual(['etcd.yaml']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('may split the command into arguments, and set the environment', () => {
    const text = `
apiVersion: v1
kind: Pod
metadata: {name: kube-scheduler, annotations: {any: "thing"}}
spec:
  hostNetwork: true
  containers:
  - name: kube-scheduler
    image: registry/kube-scheduler:v1
    command: [kube-scheduler, --leader-elect=true]
    args: ["--v=2"]
    env: [{name: GODEBUG, value: "x=1"}]
`;
    expect(readManifest(text)).toEqual({
      argv: ['kube-scheduler', '--leader-elect=true', '--v=2'],
      env: { GODEBUG: 'x=1' },
    });
  });

  it.each([
    '',
    'spec: {containers: []}',
    'spec: {containers: [{name: a}]}',
    'spec: {containers: [{command: []}]}',
    '{',
  ])('are refused when they say no command: %s', (text) => {
    expect(() => readManifest(text)).toThrow();
  });
});
