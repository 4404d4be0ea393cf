// The elected part of the controller managers: what its leader signs with and publishes, and the flags that say from which files.
// A standby has read nothing of this yet, so it is one party with the files of all instances (model.md, section 2).

import { fileId, type PartyId, type UseId } from '../model/ids.ts';
import type { Instance } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { FlagSet, Value } from '../model/value.ts';
import { kubeControllerManager } from './kube-controller-manager.ts';
import { historyOf, loadedBy } from './memory.ts';
import { type Part, type PartStore, type PartUse, useId } from './part.ts';
import { flagSetOf, splitFilesOf } from './split.ts';
import { apiServerOn, type Survey } from './survey.ts';
import { signerOf, trustOf } from './value-of.ts';

/** Names of the uses of kube-controller-manager that only its leader has. */
export const ELECTED: ReadonlySet<string> = new Set(kubeControllerManager.elected);
export const MANAGER = 'kube-controller-manager';
/** The leader as a party, whoever it is. */
export const LEADER: PartyId = 'kube-controller-manager';
export const SIGNER: UseId = useId(LEADER, 'signer');
export const ROOT_CA: UseId = useId(LEADER, 'root-ca');
export const flagsUse = (instance: PartyId): UseId => useId(instance, 'flags');

/** The leader, and each instance's flags where they can be split. */
export function managerParts(survey: Survey, a: AuthorityRotation): Part[] {
  const managers = survey.instances(MANAGER);
  if (managers.length === 0) return [];
  const signer = signerUse(survey, a, managers);
  const uses = [...(signer ? [signer] : []), rootCAUse(survey, a, managers)];
  return [
    { party: LEADER, parties: managers.map((manager) => manager.id), uses },
    ...managers.flatMap((manager) => (isSplittable(manager) ? [flagsPart(manager, a)] : [])),
  ];
}

const last = (instance: Instance, flag: string): string | undefined => instance.flags[flag]?.at(-1);

/**
 * Only a controller manager that signs needs the split: without, its CA file may be a bundle. kubeadm gives one whose CA is external the
 * flag with nothing in it, so that it signs nothing (K:cmd/kubeadm/app/phases/controlplane/manifests.go).
 */
export const signs = (manager: Instance): boolean =>
  Boolean(last(manager, 'cluster-signing-cert-file')) ||
  Boolean(manager.nextFlags?.['cluster-signing-cert-file']?.at(-1));

const isSplittable = (manager: Instance): boolean => signs(manager);

export const manifestOf = (manager: Instance): string | undefined =>
  'manifest' in manager.management ? manager.management.manifest : undefined;

function flagsPart(manager: Instance, a: AuthorityRotation): Part {
  const manifest = manifestOf(manager);
  const next = flagSetOf(manager.nextFlags ?? manager.flags);
  const store: PartStore | undefined = manifest
    ? { id: fileId(manager.node, manifest), holds: 'flags', values: [next] }
    : undefined;
  const use: PartUse = {
    name: 'flags',
    authority: a.authority,
    kind: 'flags',
    holds: 'flags',
    reread: 'restart',
    proof: 'restarted',
    sources: store ? [{ store }] : [],
    // The running process says it itself: nothing has to be guessed from times.
    memory: [flagSetOf(manager.flags)],
  };
  return { party: manager.id, parties: [manager.id], uses: [use] };
}

interface Way {
  manager: Instance;
  store: PartStore;
  is: FlagSet;
  loaded: readonly Value[];
}

const sourcesOf = (ways: readonly Way[]): PartUse['sources'] =>
  ways.map(({ manager, store, is }) =>
    isSplittable(manager) ? { store, when: { flags: flagsUse(manager.id), is } } : { store },
  );

/** What the leader has loaded; where nobody knows who leads, what any of them may have. */
function loadedByLeader(ways: readonly Way[]): readonly Value[] {
  const leading = ways.filter(({ manager }) => manager.leader === true);
  const those = (leading.length === 1 ? leading : ways).filter(({ manager, is }) => flagSetOf(manager.flags) === is);
  return [...new Set(those.flatMap(({ loaded }) => loaded))];
}

function rootCAUse(survey: Survey, a: AuthorityRotation, managers: readonly Instance[]): PartUse {
  const ways = managers.flatMap((manager) => rootCAWays(survey, a, manager));
  const memory = loadedByLeader(ways);
  return {
    name: 'root-ca',
    authority: a.authority,
    kind: 'publishes',
    holds: 'trust',
    reread: 'leadership',
    proof: 'restarted',
    sources: sourcesOf(ways),
    ...(memory.length > 0 ? { memory } : {}),
  };
}

function rootCAWays(survey: Survey, a: AuthorityRotation, manager: Instance): Way[] {
  const named = flagSetOf(manager.flags) === 'found' ? last(manager, 'root-ca-file') : undefined;
  const split = isSplittable(manager) ? splitFilesOf(manager, apiServerOn(survey, manager.node))?.rootCA : undefined;
  const way = (path: string, is: FlagSet): Way => {
    const store = survey.store(fileId(manager.node, path));
    const value = trustOf(store?.certs ?? [], a);
    const history = historyOf('trust', value, a, survey.rollback);
    return {
      manager,
      is,
      store: { id: fileId(manager.node, path), holds: 'trust', values: [value] },
      loaded: loadedBy(manager.startedAt, store?.changedAt, value, history),
    };
  };
  return [...(named ? [way(named, 'found')] : []), ...(split ? [way(split, 'split')] : [])];
}

function signerUse(survey: Survey, a: AuthorityRotation, managers: readonly Instance[]): PartUse | undefined {
  const ways = managers.flatMap((manager) => signerWays(survey, a, manager));
  if (ways.length === 0) return undefined;
  const memory = loadedByLeader(ways);
  return {
    name: 'signer',
    authority: a.authority,
    kind: 'signs',
    holds: 'signer',
    reread: 'at-once',
    proof: 'signs',
    sources: sourcesOf(ways),
    ...(memory.length > 0 ? { memory } : {}),
  };
}

function signerWays(survey: Survey, a: AuthorityRotation, manager: Instance): Way[] {
  if (!signs(manager)) return [];
  const found = flagSetOf(manager.flags) === 'found' ? foundSigner(survey, a, manager) : undefined;
  const path = splitFilesOf(manager, apiServerOn(survey, manager.node))?.signer;
  if (!path) return found ? [found] : [];
  const id = fileId(manager.node, path);
  const store = survey.store(id);
  const value = signerOf(store ?? { certs: [] }, a);
  const history = historyOf('signer', value, a, survey.rollback);
  const split: Way = {
    manager,
    is: 'split',
    store: { id, holds: 'signer', values: [value] },
    loaded: loadedBy(manager.startedAt, store?.changedAt, value, history),
  };
  return [...(found ? [found] : []), split];
}

/** The CA file itself, while it is signed with; not where its key is gone, for then nothing can be signed with it. */
function foundSigner(survey: Survey, a: AuthorityRotation, manager: Instance): Way | undefined {
  const path = last(manager, 'cluster-signing-cert-file');
  const store = path ? survey.store(fileId(manager.node, path)) : undefined;
  if (!store || !hasKey(survey, a, manager)) return undefined;
  const isAnchors = store.kind !== 'pair' && store.id === clientCAOf(manager);
  const value = isAnchors ? trustOf(store.certs, a) : signerOf(store, a);
  return {
    manager,
    is: 'found',
    store: { id: store.id, holds: isAnchors ? 'trust' : 'signer', values: [value] },
    loaded: [signerOf({ certs: store.certs }, a)],
  };
}

const clientCAOf = (manager: Instance): string | undefined => {
  const path = last(manager, 'client-ca-file');
  return path ? fileId(manager.node, path) : undefined;
};

/** The old key, where the flags of the controller manager say it is. */
function hasKey(survey: Survey, a: AuthorityRotation, manager: Instance): boolean {
  const path = last(manager, 'cluster-signing-key-file');
  const facts = survey.inventory.authorities.find((fact) => fact.authority === a.authority);
  return facts?.keys.some((key) => key.node === manager.node && key.path === path) ?? false;
}
