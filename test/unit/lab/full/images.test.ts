import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { architecture, archiveFiles, type LayerDigests } from '../../../../lab/full/artifacts/docker-archive.ts';
import { imagesFor, LAB_IMAGE, pauseOf } from '../../../../lab/full/artifacts/image-list.ts';
import { librariesOf } from '../../../../lab/full/artifacts/layers.ts';

const LISTED = [
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'].map(
    (name) => `r.example/${name}:v1`,
  ),
  'r.example/coredns/coredns:v1.14.2',
  'r.example/pause:3.10',
  'r.example:5000/etcd:3.6.8-0',
  '',
].join('\n');

const DIGESTS: LayerDigests = { program: 'a1', 'proxy-tools': 'b2', dns: 'c3', pause: 'd4', 'lab-tools': 'e5' };

describe('the images of a lab', () => {
  it('have the names that kubeadm asks for, and the lab has one of its own', () => {
    const images = imagesFor(LISTED);
    expect(images.map(({ tag }) => tag)).toEqual([...LISTED.trim().split('\n'), LAB_IMAGE]);
    expect(pauseOf(images)).toBe('r.example/pause:3.10');
    expect(images.find(({ tag }) => tag.includes('etcd'))?.entrypoint).toEqual(['/usr/local/bin/etcd']);
  });

  it('are refused when kubeadm asks for one that nobody makes, or not for one that is needed', () => {
    expect(() => imagesFor(`${LISTED}r.example/kube-novelty:v1\n`)).toThrow('r.example/kube-novelty:v1');
    expect(() => imagesFor(LISTED.replace('r.example/pause:3.10\n', ''))).toThrow('does not ask for pause');
  });
});

describe('the archive', () => {
  const images = imagesFor(LISTED);
  const files = archiveFiles(images, DIGESTS);
  const text = (name: string): string => files.find((file) => file.name === name)?.text ?? '';
  interface Entry {
    Config: string;
    RepoTags: string[];
    Layers: string[];
  }
  const manifest = JSON.parse(text('manifest.json')) as Entry[];

  it('has a configuration for each image, under its digest, with the digests of its layers', () => {
    expect(manifest).toHaveLength(images.length);
    for (const { Config, Layers } of manifest) {
      expect(Config).toBe(`${createHash('sha256').update(text(Config)).digest('hex')}.json`);
      const config = JSON.parse(text(Config)) as { rootfs: { diff_ids: string[] }; architecture: string };
      expect(config.rootfs.diff_ids.map((id) => `${id.replace('sha256:', '')}.tar`)).toEqual(Layers);
      expect(config.architecture).toBe(architecture());
    }
  });

  it("gives kube-proxy its tools on top of the others' program", () => {
    const layersOf = (part: string): string[] | undefined =>
      manifest.find(({ RepoTags }) => RepoTags[0]?.includes(part))?.Layers;
    expect(layersOf('kube-proxy')).toEqual(['a1.tar', 'b2.tar']);
    expect(layersOf('kube-apiserver')).toEqual(['a1.tar']);
    expect(layersOf('coredns')).toEqual(['c3.tar']);
  });

  it('is the same whenever it is made', () => {
    expect(archiveFiles(imagesFor(LISTED), DIGESTS)).toEqual(files);
  });

  it('names processors as Go does', () => {
    expect([architecture('x64'), architecture('arm64')]).toEqual(['amd64', 'arm64']);
  });
});

describe('libraries', () => {
  it('are found in what ldd says, each once, and the loader is one', () => {
    const ldd = [
      '/usr/sbin/nft:',
      '\tlinux-vdso.so.1 (0x00007ffd)',
      '\tlibnftables.so.1 => /lib/x86_64-linux-gnu/libnftables.so.1 (0x00007f01)',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f02)',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007f03)',
      '/usr/sbin/conntrack:',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f04)',
      '/usr/lib/x86_64-linux-gnu/xtables/libxt_x.so:',
      '\tstatically linked',
    ].join('\n');
    expect(librariesOf(ldd)).toEqual([
      '/lib/x86_64-linux-gnu/libnftables.so.1',
      '/lib/x86_64-linux-gnu/libc.so.6',
      '/lib64/ld-linux-x86-64.so.2',
    ]);
  });
});
