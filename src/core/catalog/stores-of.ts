// Which files of a node matter for an instance, by its flags and settings. Discovery reads these; the topology is made from them.

import type { Instance, StoreKind } from '../model/inventory.ts';
import { factsOf } from './components.ts';
import type { Fact, KubeconfigFact } from './facts.ts';
import { KUBELET_CERT_DIR, KUBELET_CLIENT_CURRENT } from './kubelet.ts';

export interface WantedFile {
  /** Absolute path on the instance's node. */
  path: string;
  kind: StoreKind;
  /** Where its private key is: another path, or the same one (the split signer, which is a `pair`; a kubelet's own leaf). */
  keyPath?: string;
  /** Last part of the use's id. When several uses read one file, the first of them. */
  use: string;
}

/** One use's way to one file, under the flags of the running process (`now`) or those of the next start (`next`). */
export interface FileUse extends WantedFile {
  fact: Fact | KubeconfigFact | undefined;
  when: 'now' | 'next';
}

type Flags = Instance['flags'];

/**
 * Files to read for this instance, each path and part once. A kubeconfig is two rows of one path: `kubeconfig-ca` and `kubeconfig-client`.
 * A kubeconfig that names files instead of embedding them: say so in `settings` as `FLAG.certificate-authority`,
 * `FLAG.client-certificate` and `FLAG.client-key` (absolute paths; FLAG is `kubeconfig`, …), and the rows name those files.
 * Several instances of a node want the same file: the row with a keyPath says more, keep it.
 */
export function wantedFiles(instance: Instance): WantedFile[] {
  const byPlace = new Map<string, WantedFile>();
  for (const { path, kind, keyPath, use } of fileUses(instance)) {
    const place = `${kind.startsWith('kubeconfig-') ? kind : ''}:${path}`;
    const known = byPlace.get(place);
    const row: WantedFile = { path, kind, use, ...(keyPath === undefined ? {} : { keyPath }) };
    if (!known) byPlace.set(place, row);
    else if (known.keyPath === undefined && keyPath !== undefined) byPlace.set(place, { ...row, use: known.use });
  }
  return [...byPlace.values()];
}

/** Every use's file: one row a use and flag set, those of the next start only where they differ. */
export function fileUses(instance: Instance): FileUse[] {
  const now = usesUnder(instance, instance.flags, 'now');
  const next = instance.nextFlags ? usesUnder(instance, instance.nextFlags, 'next') : [];
  const seen = new Set(now.map((row) => `${row.use} ${row.kind} ${row.path}`));
  const differing = next.filter((row) => !seen.has(`${row.use} ${row.kind} ${row.path}`));
  return [...now, ...differing, ...manifestOf(instance)];
}

function manifestOf({ management }: Instance): FileUse[] {
  const path = 'manifest' in management ? management.manifest : undefined;
  return path ? [{ path, kind: 'manifest', use: 'flags', fact: undefined, when: 'next' }] : [];
}

function usesUnder(instance: Instance, flags: Flags, when: 'now' | 'next'): FileUse[] {
  const page = factsOf(instance.component);
  return [
    ...page.facts.flatMap((fact) => filesOfFact(instance, flags, fact).map((file) => ({ ...file, fact, when }))),
    ...page.kubeconfigs.flatMap((fact) =>
      filesOfKubeconfig(instance, flags, fact).map((file) => ({ ...file, fact, when })),
    ),
  ];
}

const first = (flags: Flags, names: readonly string[] = []): string | undefined =>
  names.map((name) => flags[name]?.at(-1)).find((value) => value !== undefined && value !== '');

const isFile = (path: string | undefined): path is string => path?.startsWith('/') === true;

function filesOfFact(instance: Instance, flags: Flags, fact: Fact): WantedFile[] {
  if (fact.form === 'sni') return sniFiles(flags, fact);
  const settings = instance.settings;
  const path = first(flags, fact.flags) ?? (fact.setting ? settings[fact.setting] : undefined);
  if (!isFile(path)) return fallbackOf(instance, flags, fact);
  const keyPath = first(flags, fact.keyFlags) ?? (fact.keySetting ? settings[fact.keySetting] : undefined);
  const split = fact.kind === 'signs' && keyPath === path;
  return [row(fact.use, path, split ? 'pair' : fact.store, keyPath)];
}

const row = (use: string, path: string, kind: StoreKind, keyPath: string | undefined): WantedFile =>
  isFile(keyPath) ? { path, kind, keyPath, use } : { path, kind, use };

/** `--tls-sni-cert-key=CERT,KEY:names`, repeatable; uses `sni`, `sni-2`, … */
function sniFiles(flags: Flags, fact: Fact): WantedFile[] {
  const values = fact.flags.flatMap((name) => flags[name] ?? []);
  return values.flatMap((value, index) => {
    const [path, keyPath] = (value.split(':')[0] ?? '').split(',');
    return isFile(path) ? [row(index === 0 ? fact.use : `${fact.use}-${index + 1}`, path, fact.store, keyPath)] : [];
  });
}

function fallbackOf(instance: Instance, flags: Flags, fact: Fact): WantedFile[] {
  const { fallback } = fact;
  if (!fallback) return [];
  if (fallback.only && instance.settings[fallback.only.setting] !== fallback.only.is) return [];
  const folder = certDirOf(flags);
  return [row(fact.use, `${folder}/${fallback.file}`, fact.store, `${folder}/${fallback.key}`)];
}

function certDirOf(flags: Flags): string {
  const root = first(flags, ['root-dir']);
  return first(flags, ['cert-dir']) ?? (root ? `${root.replace(/\/+$/, '')}/pki` : KUBELET_CERT_DIR);
}

/**
 * The kubeconfig as it is named, by the configuration file or by the flag. With a file the flag is ignored
 * (K:cmd/kube-scheduler/app/options/options.go ApplyTo, K:cmd/kube-proxy/app/options.go Complete).
 */
export function kubeconfigPath(instance: Instance, flags: Flags, fact: KubeconfigFact): string | undefined {
  const { configuration } = factsOf(instance.component);
  const file = configuration && first(flags, [configuration.flag]);
  const path = fact.setting !== undefined && file ? instance.settings[fact.setting] : first(flags, [fact.flag]);
  return path === '' ? undefined : path;
}

function filesOfKubeconfig(instance: Instance, flags: Flags, fact: KubeconfigFact): WantedFile[] {
  const path = kubeconfigPath(instance, flags, fact);
  if (!isFile(path)) return [];
  const named = (key: string): string | undefined => instance.settings[`${fact.flag}.${key}`];
  const ca = named('certificate-authority');
  const client = named('client-certificate') ?? ownClientPair(instance, flags);
  return [
    isFile(ca)
      ? { path: ca, kind: 'bundle', use: `${fact.use}-ca` }
      : { path, kind: 'kubeconfig-ca', use: `${fact.use}-ca` },
    isFile(client)
      ? row(`${fact.use}-client`, client, 'leaf', named('client-key') ?? client)
      : { path, kind: 'kubeconfig-client', keyPath: path, use: `${fact.use}-client` },
  ];
}

/** A kubelet that rotates its certificate presents the pair of its certificate folder, whatever kubelet.conf embeds. */
function ownClientPair(instance: Instance, flags: Flags): string | undefined {
  if (instance.component !== 'kubelet') return undefined;
  const rotates = first(flags, ['rotate-certificates']) ?? instance.settings.rotateCertificates;
  return rotates === 'true' ? `${certDirOf(flags)}/${KUBELET_CLIENT_CURRENT}` : undefined;
}
