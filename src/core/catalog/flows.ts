// What fills what: the leader's root bundle into every namespace and from there into pods, the signer's answers into kubelets, the
// API servers' client CAs into the union, cluster-info into nodes that join, kubeadm's keys into whatever it renews.

import { fileId, type StoreId } from '../model/ids.ts';
import type { Instance } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Flow, Topology } from '../model/topology.ts';
import type { Signer } from '../model/value.ts';
import { MANAGER, ROOT_CA, SIGNER } from './manager.ts';
import { type Tag, useId } from './part.ts';
import { clusterInfo, IN_FLIGHT, JOINING, unionStore } from './published.ts';
import type { Survey } from './survey.ts';

type Known = Pick<Topology, 'stores' | 'uses'>;

export function flowsOf(survey: Survey, known: Known, tagged: (tag: Tag) => readonly StoreId[]): Flow[] {
  const there = new Set<string>([...known.stores.map((store) => store.id), ...known.uses.map((use) => use.id)]);
  const all = [
    ...publishing(tagged),
    ...signing(tagged),
    ...joining(survey),
    ...survey.rotation.authorities.flatMap((a) => [...uniting(survey, a), ...kubeadm(survey, a)]),
  ];
  return all.flatMap((flow) => {
    const from = flow.from.filter((id) => there.has(id));
    return from.length > 0 && there.has(flow.to) ? [{ ...flow, from }] : [];
  });
}

/** K:pkg/controller/certificates/rootcacertpublisher, serviceaccount/tokens_controller.go: the leader keeps every copy as its own. */
function publishing(tagged: (tag: Tag) => readonly StoreId[]): Flow[] {
  const copies = tagged('root-ca');
  return [
    ...copies.map((to) => ({ id: 'the root CA publisher', from: [ROOT_CA], to, how: 'copy' as const })),
    ...tagged('projected').map((to) => ({
      id: "the kubelet's volume manager",
      from: copies,
      to,
      how: 'copy' as const,
    })),
  ];
}

/** K:pkg/controller/certificates/signer: a CSR is answered by the leader at any time, and taken up by its kubelet later. */
function signing(tagged: (tag: Tag) => readonly StoreId[]): Flow[] {
  const pairs = tagged('own-rotation');
  const own = { actor: 'own-rotation' as const };
  if (pairs.length === 0) return [];
  return [
    { id: 'the signer', from: [SIGNER], to: IN_FLIGHT, how: 'signs', ...own },
    ...pairs.map((to) => ({
      id: 'kubelets that rotate by themselves',
      from: [IN_FLIGHT],
      to,
      how: 'copy' as const,
      ...own,
    })),
  ];
}

function joining(survey: Survey): Flow[] {
  const info = clusterInfo(survey);
  if (!info) return [];
  const join = { actor: 'join' as const };
  return [
    { id: 'a node that joins', from: [info.id], to: useId(JOINING, 'root-ca'), how: 'copy', ...join },
    { id: 'a node that joins', from: [info.id], to: useId(JOINING, 'client-ca'), how: 'copy', ...join },
    { id: 'the signer', from: [SIGNER], to: useId(JOINING, 'client'), how: 'signs', ...join },
  ];
}

/** K:pkg/controlplane/controller/clusterauthenticationtrust: each API server adds what it trusts, none takes anything away. */
function uniting(survey: Survey, a: AuthorityRotation): Flow[] {
  const store = unionStore(survey, a);
  if (!store) return [];
  const name = a.authority === 'front-proxy' ? 'requestheader-ca' : 'client-ca';
  const from = survey.instances('kube-apiserver').map((server) => useId(server.id, name));
  return [{ id: 'the cluster authentication trust controller', from, to: store.id, how: 'union' }];
}

// ---- kubeadm ----

const last = (instance: Instance, flag: string): string | undefined => instance.flags[flag]?.at(-1);
const CA_FLAG: Partial<Record<AuthorityRotation['authority'], string>> = {
  kubernetes: 'client-ca-file',
  'front-proxy': 'requestheader-client-ca-file',
};

/**
 * Where kubeadm looks for the CA's key on each control-plane node, and which generation's key is there. While it is away kubeadm
 * takes the CA for an external one and leaves every leaf alone (K:cmd/kubeadm/app/phases/certs/renewal/manager.go; trap 24).
 */
export function kubeadmKeys(survey: Survey, a: AuthorityRotation): { node: string; id: StoreId; value: Signer }[] {
  const keys = survey.inventory.authorities.find((fact) => fact.authority === a.authority)?.keys ?? [];
  return survey.instances('kube-apiserver').flatMap((server) => {
    const ca = last(server, CA_FLAG[a.authority] ?? '');
    if (!ca?.endsWith('.crt')) return [];
    const path = ca.replace(/\.crt$/, '.key');
    const there = keys.filter((key) => key.node === server.node && key.path === path).map((key) => key.fingerprint);
    const value = there.includes(a.old.fingerprint) ? 'old' : there.includes(a.new.fingerprint) ? 'new' : 'absent';
    return [{ node: server.node, id: fileId(server.node, path), value }];
  });
}

/** `kubeadm certs renew` and `upgrade` write leafs from the key beside the CA, without a bridge, and that CA alone into kubeconfigs (trap 24). */
function kubeadm(survey: Survey, a: AuthorityRotation): Flow[] {
  const keys = kubeadmKeys(survey, a);
  return survey.instances('kube-apiserver').flatMap((server): Flow[] => {
    const from = keys.filter(({ node }) => node === server.node).map(({ id }) => id);
    const cluster = a.authority === 'kubernetes';
    const anchors = cluster ? kubeconfigsOn(survey, server.node, 'kubeconfig-ca') : [];
    return [
      ...leafsOf(survey, server, a).map((to): Flow => ({ id: 'kubeadm', from, to, how: 'signs', actor: 'kubeadm' })),
      ...anchors.map((to): Flow => ({ id: 'kubeadm', from, to, how: 'copy', actor: 'kubeadm' })),
    ];
  });
}

function leafsOf(survey: Survey, server: Instance, a: AuthorityRotation): StoreId[] {
  const cluster = a.authority === 'kubernetes';
  const flags = cluster ? ['tls-cert-file', 'kubelet-client-certificate'] : ['proxy-client-cert-file'];
  const files = flags.flatMap((flag) => {
    const path = last(server, flag);
    return path ? [fileId(server.node, path)] : [];
  });
  return cluster ? [...files, ...kubeconfigsOn(survey, server.node, 'kubeconfig-client')] : files;
}

/** The kubeconfigs kubeadm keeps: those of its own components and of the administrator, not the kubelet's (renewal/manager.go). */
function kubeconfigsOn(survey: Survey, node: string, kind: 'kubeconfig-ca' | 'kubeconfig-client'): StoreId[] {
  const components = [...survey.instances(MANAGER), ...survey.instances('kube-scheduler')];
  const own = components
    .filter((instance) => instance.node === node)
    .flatMap((instance) => last(instance, 'kubeconfig') ?? []);
  const folder = own[0]?.slice(0, own[0].lastIndexOf('/'));
  const paths = new Set([...own, ...['admin.conf', 'super-admin.conf'].map((name) => `${folder}/${name}`)]);
  return survey.inventory.stores
    .filter((store) => store.node === node && store.kind === kind && store.path !== undefined && paths.has(store.path))
    .map((store) => store.id);
}
