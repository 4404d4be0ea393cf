import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../../src/config/config.ts';
import type { RerootError } from '../../../src/errors.ts';

const failure = (act: () => unknown): RerootError => {
  try {
    act();
  } catch (thrown) {
    return thrown as RerootError;
  }
  throw new Error('it did not fail');
};

const lab = `# How reroot reaches the lab
access: exec
exec: /labs/dev/bin/node-exec {node}
nodes:
  cp1:
    host: 127.1.2.1
    components:
      etcd:
        restart: /labs/dev/bin/restart cp1 etcd
        paths:
          - /labs/dev/nodes/cp1
  w1: {}
`;

describe('loadConfig', () => {
  it('has defaults: ssh as the user has set it up', () => {
    expect(loadConfig()).toEqual({ access: 'ssh', dial: 'direct', sudo: false, nodes: {} });
    expect(parseConfig('', 'reroot.yaml')).toEqual(loadConfig());
    expect(parseConfig('# nothing\n', 'reroot.yaml')).toEqual(loadConfig());
  });

  it('reads a file with everything filled in', () => {
    const folder = mkdtempSync(join(tmpdir(), 'reroot-config-'));
    writeFileSync(join(folder, 'reroot.yaml'), lab);

    const config = loadConfig(join(folder, 'reroot.yaml'));
    rmSync(folder, { recursive: true });

    expect(config).toEqual({
      access: 'exec',
      exec: '/labs/dev/bin/node-exec {node}',
      dial: 'direct',
      sudo: false,
      nodes: {
        cp1: {
          host: '127.1.2.1',
          components: { etcd: { restart: '/labs/dev/bin/restart cp1 etcd', paths: ['/labs/dev/nodes/cp1'] } },
        },
        w1: { components: {} },
      },
    });
  });

  it.each<[string, string, RegExp]>([
    ['an unknown key', 'access: local\nnode: {}\n', /^reroot\.yaml:2: unknown key node$/],
    [
      'an unknown key below',
      lab.replace('restart:', 'restrat:'),
      /^reroot\.yaml:9: unknown key nodes\.cp1\.components\.etcd\.restrat$/,
    ],
    ['an unknown key of a node', lab.replace('host:', 'hots:'), /^reroot\.yaml:6: unknown key nodes\.cp1\.hots$/],
    ['a wrong type', 'access: ssh\nsudo: yes please\n', /^reroot\.yaml:2: sudo: .*boolean/],
    ['a wrong word', '\n\naccess: telnet\n', /^reroot\.yaml:3: access: /],
    [
      'a path that is not absolute',
      lab.replace('- /labs', '- labs'),
      /^reroot\.yaml:11: nodes\.cp1\.components\.etcd\.paths\.0: must be an absolute path$/,
    ],
    ['a list for a map', 'nodes:\n  - cp1\n', /^reroot\.yaml:2: nodes: /],
    [
      'an etcd that is not https',
      'etcd: {endpoints: ["http://10.0.0.1:2379"]}',
      /^reroot\.yaml:1: etcd\.endpoints\.0: must be an https URL$/,
    ],
    ['no YAML', 'access: [\nnodes: {', /^reroot\.yaml:\d+: not YAML: /],
    ['an alias to nothing', 'access: *none\n', /^reroot\.yaml: not YAML: .*none/],
    ['a key twice', 'access: ssh\naccess: local\n', /^reroot\.yaml:\d+: not YAML: .*unique/i],
  ])('names file, line and key: %s', (_, text, message) => {
    const thrown = failure(() => parseConfig(text, 'reroot.yaml'));

    expect(thrown.exitCode).toBe(2);
    expect(thrown.message).toMatch(message);
  });

  it('says which keys there are', () => {
    expect(failure(() => parseConfig(lab.replace('host:', 'hots:'), 'r')).hints).toEqual([
      'known keys here: host, components',
    ]);
    expect(failure(() => parseConfig('a: 1', 'r')).hints).toEqual([
      'known keys here: access, exec, user, sshConfig, dial, sudo, nodes, etcd',
    ]);
  });

  it('says when the file cannot be read', () => {
    expect(failure(() => loadConfig('/none/reroot.yaml'))).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('/none/reroot.yaml'),
    });
    expect(failure(() => loadConfig('/'))).toMatchObject({ exitCode: 2 });
  });
});
