// A component instance as a party: the facts of its component applied to the files its flags name.

import type { Instance, Millis, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { ProofKind } from '../model/step.ts';
import type { Reread } from '../model/topology.ts';
import type { Holds, Value } from '../model/value.ts';
import { factsOf } from './components.ts';
import { type Fact, type KubeconfigFact, rereadOf } from './facts.ts';
import { historyOf, loadedBy } from './memory.ts';
import type { End, Part, PartStore, PartUse, Tag } from './part.ts';
import type { FileUse } from './stores-of.ts';
import { type Survey, storeIdOf } from './survey.ts';
import { credentialOf, trustOf } from './value-of.ts';

/** Uses of these names are made elsewhere: the elected ones of the controller manager, and what a callee serves. */
export function instancePart(survey: Survey, instance: Instance, elsewhere: ReadonlySet<string>): Part {
  const byUse = new Map<string, FileUse[]>();
  for (const file of survey.files(instance)) {
    if (!file.fact || elsewhere.has(file.use)) continue;
    byUse.set(file.use, [...(byUse.get(file.use) ?? []), file]);
  }
  const uses = [...byUse.values()].flatMap((files) => usesOfAny(survey, instance, files));
  return { party: instance.id, parties: [instance.id], uses: withoutRepetition(uses) };
}

/** Where any authority may stand behind a file, the first that does: a file with anchors of two is one store, and moves with one. */
function usesOfAny(survey: Survey, instance: Instance, files: readonly FileUse[]): PartUse[] {
  for (const a of survey.rotation.authorities) {
    const uses = usesOfFiles(survey, instance, a, files);
    if (uses.length > 0) return uses;
  }
  return [];
}

/** `--authentication-kubeconfig` mostly names the file of `--kubeconfig`: one use then. */
function withoutRepetition(uses: readonly PartUse[]): PartUse[] {
  const seen = new Set<string>();
  return uses.filter((use) => {
    const key = [use.authority, use.kind, use.reread, ...use.sources.map(({ store }) => store.id)].join(' ');
    if (use.sources.length > 0 && seen.has(key) && use.name.includes('kubeconfig')) return false;
    seen.add(key);
    return true;
  });
}

function usesOfFiles(survey: Survey, instance: Instance, a: AuthorityRotation, files: readonly FileUse[]): PartUse[] {
  const [first] = files;
  if (!first?.fact) return [];
  const how = howOf(first, first.fact, instance);
  if (how.authority !== 'by-fingerprint' && how.authority !== a.authority) return [];
  const seen = files.flatMap((file) => {
    const store = survey.store(storeIdOf(instance.node, file));
    return store ? [{ file, store, value: contentOf(store, how.holds, a) }] : [];
  });
  // Material of others is theirs: a certificate of a public CA, a bundle without this authority.
  const ours = seen.filter(({ value }) => value !== 'none' && value !== 'other');
  if (ours.length === 0) return [];
  const now = ours.find(({ file }) => file.when === 'now');
  const since = first.use === 'kubelet-client' ? oldestConnection(survey, instance) : instance.startedAt;
  const again = how.kind === 'verifies-clients';
  const memory = now ? memoryOf(survey, a, since, now.store, how.holds, now.value, again) : undefined;
  const sources = ours.map(({ store, value }) => ({ store: partStore(store, how.holds, value, how) }));
  return [
    {
      name: first.use,
      authority: a.authority,
      kind: how.kind,
      holds: how.holds,
      reread: how.reread,
      proof: how.proof,
      sources,
      ...(memory ? { memory } : {}),
      ...(how.end ? { end: how.end } : {}),
    },
  ];
}

/** client-go closes connections made with an earlier certificate within this time (C:transport/cert_rotation.go; 235 to 288 s measured). */
const KEPT: Millis = 300_000;
/** A handshake takes the certificate file as it was at most a second before (C:transport/cert_rotation.go). */
const HANDSHAKE: Millis = 1_500;

/**
 * What an API server presents to kubelets is remembered by its open connections (trap 25), and none is older than the kubelet at its
 * other end, than five minutes after a change, or than the API server itself. By the clock of the API server's node.
 */
function oldestConnection(survey: Survey, server: Instance): Millis | undefined {
  const { inventory } = survey;
  const offset = survey.clockOffset;
  const here = (at: Millis, node: string): Millis => at - offset(node) + offset(server.node);
  const starts = inventory.instances
    .filter(({ component }) => component === 'kubelet')
    .map(({ node, startedAt }) => (startedAt === undefined ? undefined : here(startedAt, node) - HANDSHAKE));
  const allSeen = inventory.nodes.every(({ reached }) => reached) && starts.every((at) => at !== undefined);
  const kubelets = allSeen ? Math.min(...starts) : Number.NEGATIVE_INFINITY;
  const timer = inventory.takenAt + offset(server.node) - KEPT;
  return Math.max(server.startedAt ?? Number.NEGATIVE_INFINITY, kubelets, timer);
}

interface How {
  authority: Fact['authority'];
  kind: PartUse['kind'];
  holds: Holds;
  reread: Reread;
  proof: ProofKind;
  end?: End;
  tag?: Tag;
}

function howOf(file: FileUse, fact: Fact | KubeconfigFact, instance: Instance): How {
  if ('flag' in fact) return howOfKubeconfig(file, fact, instance);
  const { authority, kind, holds } = fact;
  // A kubelet asks the signer for its serving certificate as well, where it is told to (serverTLSBootstrap). That one it has in memory,
  // from its start or from the signer (C:util/certificate/certificate_manager.go Current): no change of the file is seen.
  const isOwn = fact.fallback !== undefined && file.path.endsWith(fact.fallback.file);
  const reread = settled(isOwn ? 'own-rotation' : rereadOf(fact.reread, instance.version), instance);
  const end = endOf(instance.component, fact.use);
  const own = isOwn ? { tag: 'own-rotation' as const } : {};
  return { authority, kind, holds, reread, proof: fact.proof, ...(end ? { end } : {}), ...own };
}

function howOfKubeconfig(file: FileUse, fact: KubeconfigFact, instance: Instance): How {
  const isCA = file.use.endsWith('-ca');
  const embedded = file.kind === 'kubeconfig-ca' || file.kind === 'kubeconfig-client';
  const named = isCA ? rereadOf(fact.reread.caFile, instance.version) : fact.reread.clientFile;
  const reread = embedded ? fact.reread.embedded : named;
  const ownPair = instance.component === 'kubelet' && !isCA && !embedded;
  return {
    authority: 'kubernetes',
    kind: isCA ? 'verifies-servers' : 'presents-as-client',
    holds: isCA ? 'trust' : 'credential',
    reread: settled(reread, instance),
    proof: 'loaded',
    ...(fact.server === 'cluster' || factsOf(instance.component).component === '*'
      ? { end: `api server, ${isCA ? 'server certificate:verifies' : 'client certificate:presents'}` as const }
      : {}),
    ...(ownPair ? { tag: 'own-rotation' as const } : {}),
  };
}

/** Who does not say when it re-reads can be restarted, if reroot knows how; who reads at its start only stays as it is, if not. */
function settled(reread: Reread, instance: Instance): Reread {
  const restartable = instance.management.by !== 'unknown';
  if (reread === 'never-known') return restartable ? 'restart' : 'never-known';
  return reread === 'restart' && !restartable ? 'never-known' : reread;
}

/** Ends of channels by component and use (semantics, section 2). */
function endOf(component: string, use: string): End | undefined {
  const name = use.replace(/-\d+$/, '');
  return ENDS[`${component}:${name}`];
}

const ENDS: Readonly<Record<string, End>> = {
  'kube-apiserver:serving': 'api server, server certificate:presents',
  'kube-apiserver:sni': 'api server, server certificate:presents',
  'kube-apiserver:client-ca': 'api server, client certificate:verifies',
  'kube-apiserver:kubelet-client': 'kubelet, client certificate:presents',
  'kube-apiserver:kubelet-ca': 'kubelet, server certificate:verifies',
  'kube-apiserver:proxy-client': 'aggregated api server, front-proxy certificate:presents',
  'kubelet:client-ca': 'kubelet, client certificate:verifies',
  'kubelet:serving': 'kubelet, server certificate:presents',
};

export function contentOf(store: Store, holds: Holds, a: AuthorityRotation): Value {
  return holds === 'credential' ? credentialOf(store.certs, a) : trustOf(store.certs, a);
}

export const partStore = (store: Store, holds: Holds, value: Value, more: { tag?: Tag } = {}): PartStore => ({
  id: store.id,
  holds,
  values: [value],
  ...(more.tag ? { tag: more.tag } : {}),
});

/** What a party that started then has loaded of a store. */
export function memoryOf(
  survey: Survey,
  a: AuthorityRotation,
  startedAt: Millis | undefined,
  store: Pick<Store, 'changedAt'>,
  holds: Holds,
  value: Value,
  bothAgain = false,
): readonly Value[] {
  return loadedBy(startedAt, store.changedAt, value, historyOf(holds, value, a, survey.rollback, bothAgain));
}
