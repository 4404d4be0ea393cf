// The form of the catalogue: what one flag or setting of a component means for a rotation, as data that can be held against
// the Kubernetes documentation line by line. Adding a component is adding a file of these.

import type { Authority } from '../model/ids.ts';
import type { StoreKind } from '../model/inventory.ts';
import type { ProofKind } from '../model/step.ts';
import type { Reread, UseKind } from '../model/topology.ts';
import type { Holds } from '../model/value.ts';

/** Citations name a Go module and a file in it: K kubernetes, A apiserver, C client-go, AG kube-aggregator, E etcd. */
export type Citation = string;

/** When a use takes up a changed store; some changed with a minor version of Kubernetes (and its client-go). */
export type RereadByVersion = Reread | { since: `1.${number}`; is: Reread; otherwise: Reread };

/** What a component does with the material that one flag, or one setting of its configuration file, names. */
export interface Fact {
  /** Last part of the use's id: `client-ca` in `cp1/kube-apiserver:client-ca`. */
  use: string;
  /** Flag without dashes. Several: the first that is set. */
  flags: readonly string[];
  /** Dotted key of the component's configuration file, where it has one; a flag wins over it. */
  setting?: string;
  /** How the value names a file: the path itself; `cert,key` with optional `:domains` (SNI). */
  form?: 'path' | 'sni';
  /** File read when neither flag nor setting is given, below the folder that `folder` names. */
  fallback?: { folder: 'cert-dir'; file: string; key: string; only?: { setting: string; is: string } };
  store: Extract<StoreKind, 'bundle' | 'leaf'>;
  /** Flags and setting that name the key. The same path for both makes a signer's store a pair. */
  keyFlags?: readonly string[];
  keySetting?: string;
  kind: UseKind;
  holds: Holds;
  /** `by-fingerprint`: any authority may stand behind it, what is in the file says which. */
  authority: Authority | 'by-fingerprint';
  reread: RereadByVersion;
  proof: ProofKind;
  cite: Citation;
}

/** A kubeconfig is two stores (trust and client credential), so it gives two uses: `NAME-ca` and `NAME-client`. */
export interface KubeconfigFact {
  /** First part of both names: `kubeconfig` gives `kubeconfig-ca` and `kubeconfig-client`. */
  use: string;
  flag: string;
  /** Dotted key of the component's configuration file. Where such a file is given, the flag says nothing. */
  setting?: string;
  /** By default data is embedded and read at start; files named in it may be re-read. */
  reread: { embedded: Reread; caFile: RereadByVersion; clientFile: Reread };
  /** Whether its server is an API server of this cluster (`cluster`) or something else that may be certified by any authority. */
  server: 'cluster' | 'by-fingerprint';
  cite: Citation;
}

/** One component's page in the catalogue. */
export interface ComponentFacts {
  component: string;
  /** Only the holder of the component's Lease does the uses named here, from the files of its own node. */
  elected?: readonly string[];
  /** Flags that name its configuration file, and a folder of files that are put over it. */
  configuration?: { flag: string; dropIns?: string };
  facts: readonly Fact[];
  kubeconfigs: readonly KubeconfigFact[];
}

/** Where the configuration files of schedulers and proxies have their kubeconfig (component-base config/v1alpha1 ClientConnectionConfiguration). */
export const CLIENT_CONNECTION = 'clientConnection.kubeconfig';

/** Minor version of `1.36.3`: 36. undefined for what is not a Kubernetes version. */
export function minorOf(version: string | undefined): number | undefined {
  const match = /^v?1\.(\d+)/.exec(version ?? '');
  return match ? Number(match[1]) : undefined;
}

/** The re-read behaviour of a version; for an unknown version the older (stricter) one. */
export function rereadOf(fact: RereadByVersion, version: string | undefined): Reread {
  if (typeof fact === 'string') return fact;
  const minor = minorOf(version);
  const limit = minorOf(fact.since) ?? 0;
  return minor !== undefined && minor >= limit ? fact.is : fact.otherwise;
}

/** What every client-go kubeconfig does: embedded data at start; CA files re-read since 1.36, client certificate files on a timer. */
export const CLIENT_GO_REREAD = {
  embedded: 'restart',
  // C:features/known_features.go ClientsAllowCARotation, C:transport/ca_rotation.go
  caFile: { since: '1.36', is: 'five-minutes', otherwise: 'restart' },
  // C:transport/cert_rotation.go: polled every 5 minutes
  clientFile: 'five-minutes',
} as const satisfies KubeconfigFact['reread'];
