// The versions of Kubernetes a lab can run. Each has its go.mod and go.sum in lab/kube; the sources are the same.

import { wrongUse } from '../src/errors.ts';

export interface KubeVersion {
  version: string;
  /** Relative to lab/kube. */
  modFile: string;
}

export const KUBE_VERSIONS: readonly KubeVersion[] = [
  { version: '1.36.3', modFile: 'go.mod' },
  /** Its client-go reads a CA file once; that of 1.36 re-reads it (gate ClientsAllowCARotation). */
  { version: '1.34.12', modFile: 'versions/1.34.12/go.mod' },
];
export const DEFAULT_VERSION = '1.36.3';

export function kubeVersion(wanted: string): KubeVersion {
  const found = KUBE_VERSIONS.find(({ version }) => version === wanted.replace(/^v/, ''));
  if (found) return found;
  throw wrongUse(
    `a lab cannot run Kubernetes ${wanted}`,
    `--kubernetes takes one of: ${KUBE_VERSIONS.map(({ version }) => version).join(', ')}`,
  );
}

/** What kubeadm and the kubelet check: the version is linked in, not read from anywhere. */
export function linkerFlags({ version }: KubeVersion): string {
  const [major, minor] = version.split('.');
  const set = (name: string, value: string): string => `-X k8s.io/${name}=${value}`;
  return [
    '-s',
    '-w',
    set('component-base/version.gitVersion', `v${version}`),
    set('component-base/version.gitMajor', String(major)),
    set('component-base/version.gitMinor', String(minor)),
    set('component-base/version.gitTreeState', 'clean'),
    set('client-go/pkg/version.gitVersion', `v${version}`),
  ].join(' ');
}
