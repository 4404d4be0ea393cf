import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsOf } from '../../../../lab/full/artifacts/debian-root.ts';
import { nodeTree } from '../../../../lab/full/artifacts/node-recipe.ts';
import { plant } from '../../../../lab/full/artifacts/node-root.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'root-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const EMPTY = { folders: [], files: {}, links: {}, without: [] };

describe("a node's own files", () => {
  it('leave the Debian that they are linked to as it is', () => {
    const [debian, root] = [join(folder, 'debian'), join(folder, 'root')];
    for (const at of [debian, root]) mkdirSync(join(at, 'etc'), { recursive: true });
    writeFileSync(join(debian, 'etc/motd'), 'of all');
    linkSync(join(debian, 'etc/motd'), join(root, 'etc/motd'));
    plant({ ...EMPTY, files: { 'etc/motd': 'of this one' } }, root);
    expect(readFileSync(join(root, 'etc/motd'), 'utf8')).toBe('of this one');
    expect(readFileSync(join(debian, 'etc/motd'), 'utf8')).toBe('of all');
  });

  it('take the place of links, and do not follow them', () => {
    writeFileSync(join(folder, 'outside'), 'mine');
    mkdirSync(join(folder, 'root'));
    symlinkSync(join(folder, 'outside'), join(folder, 'root/file'));
    plant({ ...EMPTY, files: { file: 'theirs' } }, join(folder, 'root'));
    expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('mine');
    expect(lstatSync(join(folder, 'root/file')).isFile()).toBe(true);
  });

  it('can be read by all, whatever the umask', () => {
    const before = process.umask(0o077);
    try {
      plant({ ...EMPTY, files: { 'a/b/c': '' }, folders: ['d/e'] }, folder);
    } finally {
      process.umask(before);
    }
    const mode = (path: string): number => statSync(join(folder, path)).mode & 0o777;
    expect([mode('a'), mode('a/b'), mode('a/b/c'), mode('d/e')]).toEqual([0o755, 0o755, 0o644, 0o755]);
  });

  it('make the kubelet start by kubeadm and containerd know the sandbox image', () => {
    mkdirSync(join(folder, 'etc/ssh'), { recursive: true });
    writeFileSync(join(folder, 'etc/ssh/ssh_host_rsa_key'), 'of all nodes');
    plant(nodeTree('r.example/pause:3'), folder);
    const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
    expect(read('etc/containerd/config.toml')).toContain('sandbox_image = "r.example/pause:3"');
    expect(read('usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf')).toContain('kubeadm-flags.env');
    expect(readlinkSync(join(folder, 'etc/systemd/system/multi-user.target.wants/kubelet.service'))).toBe(
      '/usr/lib/systemd/system/kubelet.service',
    );
    expect(readlinkSync(join(folder, 'etc/systemd/system/systemd-udevd.service'))).toBe('/dev/null');
    expect(existsSync(join(folder, 'etc/ssh/ssh_host_rsa_key'))).toBe(false);
  });
});

describe("this machine's apt", () => {
  it('tells how it gets at its sources, and nothing else is taken over', () => {
    const dump = [
      'APT::Architecture "amd64";',
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::Verify-Peer "true";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::Languages:: "none";',
      'DPkg::Post-Invoke:: "rm -f /x";',
    ].join('\n');
    expect(settingsOf(dump)).toEqual([
      'Acquire::http::Proxy "http://proxy.example:3128"',
      'Acquire::https::Verify-Peer "true"',
      'Acquire::Check-Valid-Until "false"',
    ]);
  });
});
