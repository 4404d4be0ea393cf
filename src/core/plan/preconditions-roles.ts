// Precondition of how leafs are used: one that a bridge is put behind is presented to clients or to servers, for a bridge is for one of the two.

import { type Presenter, presenters } from '../catalog/presenters.ts';
import type { Survey } from '../catalog/survey.ts';
import { credentialOf } from '../catalog/value-of.ts';
import type { Refusal } from '../model/step.ts';
import type { Precondition } from './preconditions-cluster.ts';
import { where } from './used-stores.ts';

function bothRoles(survey: Survey): Refusal[] {
  const bridged = survey.rotation.authorities.filter((a) => a.route === 'bridge');
  const servers = new Set(survey.instances('kube-apiserver').map(({ id }) => id));
  return [...presenters(survey.inventory)].flatMap(([id, all]) => {
    const store = survey.store(id);
    // Only what API servers present gets a bridge.
    if (!store || !all.some(({ by }) => servers.has(by)) || new Set(all.map(({ role }) => role)).size < 2) return [];
    if (!bridged.some((a) => credentialOf(store.certs, a) !== 'other')) return [];
    return [
      {
        reason: 'leaf-in-both-roles',
        message: `${where(store)} is presented both as a server (${named(all, 'server')}) and as a client (${named(all, 'client')}): the bridge that goes behind it is for one of the two, and the other side would refuse it`,
        hint: 'give one of them a certificate of its own, as kubeadm does (--kubelet-client-certificate and its key), and restart it',
      },
    ];
  });
}

const named = (all: readonly Presenter[], role: Presenter['role']): string =>
  [...new Set(all.filter((one) => one.role === role).map(({ by, use }) => `${by} ${use}`))].join(', ');

export const roleChecks: readonly Precondition[] = [bothRoles];
