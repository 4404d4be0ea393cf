// Kubeconfigs and copies of a CA that no component reads: those of kubeadm, which reroot reissues, and those of people, which it
// names and leaves to them. Also nodes that were not reached: what is on them nobody can say.

import { type PartyId, wholeStore } from '../model/ids.ts';
import type { Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Value } from '../model/value.ts';
import { contentOf, partStore } from './instance-part.ts';
import { alike, type Part, type PartUse } from './part.ts';
import { type Survey, storeIdOf, unnamedStores } from './survey.ts';

/** Kubeconfigs that kubeadm writes beside those of the components (K:cmd/kubeadm/app/constants/constants.go). */
const KUBEADM_OWN = new Set(['admin.conf', 'super-admin.conf']);

export function peopleParts(survey: Survey, a: AuthorityRotation): Part[] {
  const stores = unnamedStores(survey).filter((store) => store.kind !== 'manifest' && !isOurs(store));
  const files = alike(stores, (store) => wholeStore(store.id));
  return files.flatMap((parts) => {
    const party = partyOf(parts[0] as Store);
    if (survey.isWaived(party)) return [];
    const written = parts.some((store) => isKubeadmOwn(survey, store));
    const uses = parts.flatMap((store) => useOf(a, store, written));
    return uses.length > 0 ? [{ party, parties: [party], uses }] : [];
  });
}

/** Files of an open rotation lie in a folder of ours; what the controller manager reads there is named by its flags. */
const isOurs = (store: Store): boolean => /\/reroot\/(signer\.pem|root-ca\.crt)$/.test(store.path ?? '');

/** `file/NODE:PATH` or `object/KIND/NAMESPACE/NAME`. */
export const partyOf = (store: Pick<Store, 'id'>): PartyId => wholeStore(store.id);

/** A kubeconfig that kubeadm keeps on a control-plane node: reroot reissues it as kubeadm would. */
export function isKubeadmOwn(survey: Survey, store: Store): boolean {
  const { path, node } = store;
  if (!path || !KUBEADM_OWN.has(path.slice(path.lastIndexOf('/') + 1))) return false;
  const managers = survey.instances('kube-controller-manager').filter((manager) => manager.node === node);
  const folder = path.slice(0, path.lastIndexOf('/'));
  return managers.some((manager) => manager.flags.kubeconfig?.some((conf) => conf.startsWith(`${folder}/`)) ?? false);
}

function useOf(a: AuthorityRotation, store: Store, written: boolean): PartUse[] {
  const presents = store.kind === 'kubeconfig-client' || store.kind === 'leaf' || store.kind === 'object-leaf';
  const holds = presents ? 'credential' : 'trust';
  const value = contentOf(store, holds, a);
  if (value === 'none' || value === 'other') return [];
  // A leaf that no process names is no one's: it is reported, and whoever presents it was seen elsewhere or is not there.
  if (presents && store.kind !== 'kubeconfig-client') return [];
  // Only what the cluster calls its CA is a copy of it: a front-proxy CA lying about verifies nobody.
  if (a.authority !== 'kubernetes') return [];
  return [
    {
      name: presents ? 'client' : 'ca',
      authority: a.authority,
      kind: presents ? 'presents-as-client' : 'verifies-servers',
      holds,
      // Read at each start of a short-lived program; who holds it in memory, nobody can say.
      reread: written ? 'at-once' : 'never-known',
      proof: 'loaded',
      sources: written ? [{ store: partStore(store, holds, value) }] : [],
      memory: [value],
      end: presents ? 'api server, client certificate:presents' : 'api server, server certificate:verifies',
    },
  ];
}

/** Nodes that were not reached: each may hold whatever the kubelets of the others do, and old. */
export function unreachedParts(survey: Survey, a: AuthorityRotation): Part[] {
  if (a.authority !== 'kubernetes') return [];
  const away = survey.inventory.nodes.filter((node) => !node.reached && !survey.isWaived(`node/${node.name}`));
  if (away.length === 0) return [];
  const seen = kubeletContents(survey, a);
  return away.map((node) => {
    const party = `node/${node.name}`;
    const common = { authority: a.authority, reread: 'never-known', proof: 'loaded', sources: [] } as const;
    const uses: PartUse[] = [
      {
        ...common,
        name: 'client-ca',
        kind: 'verifies-clients',
        holds: 'trust',
        memory: seen.clientCA,
        end: 'kubelet, client certificate:verifies',
      },
      {
        ...common,
        name: 'kubeconfig-ca',
        kind: 'verifies-servers',
        holds: 'trust',
        memory: seen.trust,
        end: 'api server, server certificate:verifies',
      },
      {
        ...common,
        name: 'kubeconfig-client',
        kind: 'presents-as-client',
        holds: 'credential',
        memory: seen.client,
        end: 'api server, client certificate:presents',
      },
    ];
    // Where API servers check what kubelets serve: one that asks the signer for its certificate may still serve an old one.
    const serving: PartUse = {
      ...common,
      name: 'serving',
      kind: 'presents-as-server',
      holds: 'credential',
      memory: seen.serving,
      end: 'kubelet, server certificate:presents',
    };
    return { party, parties: [party], uses: seen.serving.length > 0 ? [...uses, serving] : uses };
  });
}

function kubeletContents(survey: Survey, a: AuthorityRotation) {
  const clientCA = new Set<Value>(['old']);
  const trust = new Set<Value>(['old']);
  const client = new Set<Value>(['old']);
  const serving = new Set<Value>();
  const areChecked = survey
    .instances('kube-apiserver')
    .some(({ flags }) => flags['kubelet-certificate-authority'] !== undefined);
  if (areChecked) serving.add('old');
  for (const kubelet of survey.instances('kubelet')) {
    for (const file of survey.files(kubelet)) {
      const store = survey.store(storeIdOf(kubelet.node, file));
      if (!store) continue;
      if (file.use === 'client-ca') clientCA.add(contentOf(store, 'trust', a));
      if (file.use === 'kubeconfig-ca') trust.add(contentOf(store, 'trust', a));
      if (file.use === 'serving' && areChecked) serving.add(contentOf(store, 'credential', a));
      if (file.use === 'kubeconfig-client') client.add(contentOf(store, 'credential', a));
    }
  }
  const ours = (values: Set<Value>): Value[] => [...values].filter((value) => value !== 'none' && value !== 'other');
  return { clientCA: ours(clientCA), trust: ours(trust), client: ours(client), serving: ours(serving) };
}
