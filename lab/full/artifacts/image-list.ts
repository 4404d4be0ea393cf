// Which images a lab's nodes have, and what is in each. Data only.

/** A layer: what it is made of is in layers.ts. */
export type LayerName = 'program' | 'proxy-tools' | 'dns' | 'pause' | 'lab-tools';

export interface Image {
  tag: string;
  /** From the lowest. */
  layers: readonly LayerName[];
  entrypoint: readonly string[];
}

/** The lab's own image: the multi-call program by its other names, and a shell. */
export const LAB_IMAGE = 'lab.local/lab:1';

/** Where the program and its names are in every image. */
export const BIN = 'usr/local/bin';

const program = (name: string): Pick<Image, 'layers' | 'entrypoint'> => ({
  layers: ['program'],
  entrypoint: [`/${BIN}/${name}`],
});

/** By the last part of an image's name: what stands for it in a lab. */
const CONTENTS: Readonly<Record<string, Pick<Image, 'layers' | 'entrypoint'>>> = {
  'kube-apiserver': program('kube-apiserver'),
  'kube-controller-manager': program('kube-controller-manager'),
  'kube-scheduler': program('kube-scheduler'),
  etcd: program('etcd'),
  'kube-proxy': { layers: ['program', 'proxy-tools'], entrypoint: [`/${BIN}/kube-proxy`] },
  coredns: { layers: ['dns'], entrypoint: ['/coredns'] },
  pause: { layers: ['pause'], entrypoint: ['/pause'] },
};

const nameOf = (tag: string): string => /([^/:]+):[^:/]+$/.exec(tag)?.[1] ?? '';

/** `listed`: the lines of `kubeadm config images list`. Throws where one is among them that a lab does not know. */
export function imagesFor(listed: string): Image[] {
  const tags = listed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const images = tags.map((tag): Image => {
    const contents = CONTENTS[nameOf(tag)];
    if (!contents) throw new Error(`kubeadm asks for an image that a lab does not make: ${tag}`);
    return { tag, ...contents };
  });
  const absent = Object.keys(CONTENTS).filter((name) => !tags.some((tag) => nameOf(tag) === name));
  if (absent.length > 0) throw new Error(`kubeadm does not ask for ${absent.join(', ')}: what are they to be named?`);
  return [...images, { tag: LAB_IMAGE, layers: ['program', 'lab-tools'], entrypoint: [] }];
}

export const pauseOf = (images: readonly Image[]): string =>
  images.find(({ tag }) => nameOf(tag) === 'pause')?.tag ?? '';
