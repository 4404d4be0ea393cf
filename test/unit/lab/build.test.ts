import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kubeSources } from '../../../lab/build.ts';
import { findGo, goDirective, olderThan } from '../../../lab/go.ts';
import { filesOfFlavour } from '../../../lab/go-build.ts';
import { KUBE_VERSIONS, kubeVersion, linkerFlags } from '../../../lab/versions.ts';

/** An environment whose `go env -json` says this. */
function withGo<T>(answer: Record<string, string>, use: (env: NodeJS.ProcessEnv) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'go-'));
  try {
    writeFileSync(join(folder, 'go'), `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
    chmodSync(join(folder, 'go'), 0o755);
    return use({ PATH: `${folder}:/usr/bin:/bin` });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('Go', () => {
  it.each([
    ['1.26.8', '1.26.0', false],
    ['1.26', '1.26.0', false],
    ['1.25.9', '1.26.0', true],
    ['1.3', '1.26', true],
    ['2.0', '1.26', false],
    ['1.27rc1', '1.26.0', false],
    ['', '1.26.0', true],
  ])('%s is older than %s: %s', (version, than, older) => {
    expect(olderThan(version, than)).toBe(older);
  });

  it('is taken when new enough', () => {
    const go = withGo({ GOVERSION: 'go1.26.8', GOTOOLCHAIN: 'local', GOCACHE: '/c' }, (env) => findGo('1.26.0', env));
    expect(go).toEqual({ version: '1.26.8', cache: '/c' });
  });

  it('is taken when it fetches what it needs by itself', () => {
    const go = withGo({ GOVERSION: 'go1.23.1', GOTOOLCHAIN: 'auto', GOCACHE: '/c' }, (env) => findGo('1.26.0', env));
    expect(go.version).toBe('1.23.1+1.26.0');
  });

  it.each([
    ['go1.19.8', 'auto', /this is 1\.19\.8/],
    ['go1.25.1', 'local', /this is 1\.25\.1/],
    ['go1.25.1', 'go1.25.1', /this is 1\.25\.1/],
  ])('%s with GOTOOLCHAIN=%s is refused', (GOVERSION, GOTOOLCHAIN, message) => {
    expect(() => withGo({ GOVERSION, GOTOOLCHAIN, GOCACHE: '' }, (env) => findGo('1.26.0', env))).toThrow(message);
  });

  it('that is not there is said', () => {
    expect(() => findGo('1.26.0', { PATH: '/nowhere' })).toThrow('there is no go in PATH');
  });
});

describe('versions of Kubernetes', () => {
  it('each have a go.mod that asks for exactly that version', () => {
    for (const version of KUBE_VERSIONS) {
      const mod = readFileSync(join(kubeSources(), version.modFile), 'utf8');
      expect(mod).toContain(`k8s.io/kubernetes v${version.version}\n`);
      expect(goDirective(mod)).toMatch(/^1\.2\d\.\d+$/);
    }
  });

  it('are linked in', () => {
    expect(linkerFlags(kubeVersion('v1.36.3'))).toContain('component-base/version.gitVersion=v1.36.3');
    expect(linkerFlags(kubeVersion('1.36.3'))).toContain('component-base/version.gitMinor=36');
  });

  it('are listed when another is asked for', () => {
    expect(() => kubeVersion('1.35.0')).toThrow('cannot run Kubernetes 1.35.0');
  });
});

describe('flavours of the multi-call program', () => {
  const files = new Map([
    ['main.go', '// Command kube\npackage main\n'],
    ['kubelet.go', '//go:build !full\n\npackage main\n'],
    ['kubelet_full.go', '//go:build full\n\npackage main\n'],
  ]);

  it('are told apart by the build tag', () => {
    expect(filesOfFlavour(files, undefined)).toEqual(['kubelet.go', 'main.go']);
    expect(filesOfFlavour(files, 'full')).toEqual(['kubelet_full.go', 'main.go']);
  });

  it('have one kubelet each', () => {
    const sources = new Map(
      readdirSync(kubeSources())
        .filter((name) => name.endsWith('.go'))
        .map((name) => [name, readFileSync(join(kubeSources(), name), 'utf8')]),
    );
    for (const tag of [undefined, 'full']) {
      const texts = filesOfFlavour(sources, tag).map((name) => sources.get(name));
      expect(texts.filter((text) => text?.includes('func kubelet() int'))).toHaveLength(1);
    }
  });
});
