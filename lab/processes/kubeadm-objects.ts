// What `kubeadm init` leaves in the cluster.

import { kubeadmConfigOf } from './certificates.ts';
import type { Place } from './layout.ts';
import { runOf } from './run.ts';

/** kubeadm's own objects: bootstrap token, cluster-info, kubeadm-config, with their roles. */
export async function kubeadmObjects(place: Place): Promise<void> {
  for (const phase of [['bootstrap-token'], ['upload-config', 'kubeadm']]) {
    await runOf(place, 'kubeadm', [
      'init',
      'phase',
      ...phase,
      '--config',
      kubeadmConfigOf(place),
      '--kubeconfig',
      place.kubeconfig,
    ]);
  }
}
