// A cluster whose CA keys are kept elsewhere: what kubeadm calls external CA mode (cmd/kubeadm/app/phases/controlplane/manifests.go).

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, connect, isNotFound, type KubeObject } from '../../src/cluster/client.ts';
import { failedSafe } from '../../src/errors.ts';
import { fileOn } from './node.ts';
import type { FullPlace } from './place.ts';

const CA_KEYS = ['ca.key', 'front-proxy-ca.key', 'etcd/ca.key'];
const MANIFESTS = '/etc/kubernetes/manifests';
const PATIENCE_MS = 90_000;

/** Takes the keys off the control planes; the controller managers are restarted with empty signing flags, by their kubelets. */
export async function takeFullKeysAway(place: FullPlace, signal?: AbortSignal): Promise<void> {
  for (const { name } of place.planes) {
    for (const key of CA_KEYS) rmSync(fileOn(place, name, `/etc/kubernetes/pki/${key}`), { force: true });
    const manifest = fileOn(place, name, `${MANIFESTS}/kube-controller-manager.yaml`);
    const aside = fileOn(place, name, `${MANIFESTS}/.kube-controller-manager`);
    writeFileSync(aside, withoutSigning(readFileSync(manifest, 'utf8')), { mode: 0o600 });
    renameSync(aside, manifest);
  }
  const cluster = connect({ kubeconfig: place.kubeconfig });
  try {
    // The same keys again, encrypted.
    await cluster.remove('/api/v1/namespaces/kube-system/secrets/kubeadm-certs').catch((thrown: unknown) => {
      if (!isNotFound(thrown)) throw thrown;
    });
    await awaitManagers(place, cluster, signal);
  } finally {
    await cluster.close();
  }
}

export const withoutSigning = (manifest: string): string =>
  manifest.replace(/(--cluster-signing-(?:cert|key)-file=)\S+/g, '$1');

interface Pod extends KubeObject {
  spec: { containers: { command?: string[] }[] };
  status?: { containerStatuses?: { ready: boolean }[] };
}

async function awaitManagers(place: FullPlace, cluster: Cluster, signal?: AbortSignal): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const pods = await cluster.list<Pod>('/api/v1/namespaces/kube-system/pods', {
      labelSelector: 'component=kube-controller-manager',
    });
    const done = pods.filter(
      ({ spec, status }) =>
        spec.containers[0]?.command?.includes('--cluster-signing-key-file=') &&
        status?.containerStatuses?.every(({ ready }) => ready),
    );
    if (done.length === place.planes.length) return;
    if (Date.now() > until) throw failedSafe('the controller managers are not back without the CA key');
    await pause(500, undefined, signal ? { signal } : {});
  }
}
