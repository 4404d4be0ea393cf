// What was seen of a cluster at one moment, as plain data. `src/discover` fills it, nothing in the core reads the world.
// It holds public material only: certificates, names, times. Never a private key.

import type { Authority, Fingerprint, NodeName, PartyId, StoreId } from './ids.ts';

/** Milliseconds since the epoch. Where a time was read on a node it is in that node's clock, unless said. */
export type Millis = number;

export interface CertFact {
  fingerprint: Fingerprint;
  /** RFC 4514 text, for people. Two names that print alike may differ in DER (`subjectDer`). */
  subject: string;
  issuer: string;
  /** DER of the Name, base64: Go compares these bytes (crypto/x509 cert_pool.go), so reroot does as well. */
  subjectDer: string;
  issuerDer: string;
  serial: string;
  notBefore: Millis;
  notAfter: Millis;
  isCA: boolean;
  pathLen?: number;
  /** Subject and authority key identifiers, hex. Absent on CAs of old kubeadm (Go before 1.15). */
  keyId?: string;
  authorityKeyId?: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. A bridge shares it with the CA it stands for. */
  spki: string;
  /** `RSA-2048`, `EC-P-256`, `Ed25519`, … */
  keyType: string;
  /** Extended key usages by their RFC 5280 names (`serverAuth`, `clientAuth`, …); empty means unrestricted. */
  extKeyUsages: string[];
  /** Key usages by their RFC 5280 names (`keyCertSign`, …); undefined when the extension is absent. */
  keyUsages?: string[];
  dnsNames: string[];
  ipAddresses: string[];
  nameConstraints: boolean;
  selfSigned: boolean;
  /** Fingerprints of the self-signed CAs in this inventory whose key verifies this certificate's signature. */
  signedBy: Fingerprint[];
}

export type StoreKind =
  | 'bundle' // PEM file of trust anchors
  | 'leaf' // PEM file: a leaf and any intermediates, in served order; its key is in another file
  | 'pair' // PEM file: one certificate and its key in one file (the split signer)
  | 'kubeconfig-ca' // certificate-authority-data of the current context
  | 'kubeconfig-client' // client-certificate-data of the current context
  | 'manifest' // flags of a component that reroot restarts
  | 'object-bundle' // a ConfigMap or Secret key, or a caBundle field, that holds trust anchors
  | 'object-leaf'; // a Secret key that holds a leaf

export interface Store {
  id: StoreId;
  kind: StoreKind;
  node?: NodeName;
  /** Absolute path on the node. */
  path?: string;
  /** Certificates in file order; [] for a manifest. */
  certs: CertFact[];
  /** Where the private key of a leaf or pair is (absolute path; the store's own path for a pair or a kubeconfig with embedded data). */
  keyPath?: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo, hex, where the key could be read; differs from certs[0].spki on a mismatched pair. */
  keySpki?: string;
  /** Labels of PEM blocks in it that are neither certificates nor the key that belongs there (`X509 CRL`, `TRUSTED CERTIFICATE`, …). In an object: any but certificates. */
  otherBlocks?: string[];
  /** When the content last changed, as far as is known (mtime of a file, managedFields time of an object). */
  changedAt?: Millis;
  mode?: number;
  owner?: string;
  /** Other hard links to the same inode: file watches go deaf (trap 10). 1 is normal. */
  links?: number;
  /** For kubeconfigs: the server URL of the current context and the user's name in it. */
  server?: string;
  user?: string;
  /** Who keeps this store's content: another party writes it, reroot does not (`kube-root-ca.crt`, `extension-apiserver-authentication`). */
  publishedBy?: 'root-ca-publisher' | 'cluster-authentication-trust' | 'kubelet';
  /** Its certificates stand within a text of another form (YAML, JSON), which is its owner's: it is named, and never written. */
  embedded?: true;
  /** Why it could not be read or understood, in words. Then certs is []. */
  fault?: string;
}

export type ComponentName =
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'etcd'
  | 'kubelet'
  | 'kube-proxy'
  | (string & {});

/** How reroot restarts a component and edits its flags. */
export type Management =
  | { by: 'static-pod'; manifest: string }
  | { by: 'unit'; unit: string }
  | { by: 'command'; command: string; manifest?: string }
  | { by: 'unknown' };

export interface Instance {
  id: PartyId; // NODE/COMPONENT
  node: NodeName;
  component: ComponentName;
  /** `1.36.3`, as the running process says. */
  version?: string;
  pid?: number;
  startedAt?: Millis;
  /** The flags of the running process, without dashes: `--client-ca-file=/x` is `{'client-ca-file': ['/x']}`. */
  flags: Record<string, string[]>;
  /** Values a configuration file gives that flags do not (kubelet: `authentication.x509.clientCAFile`, …). */
  settings: Record<string, string>;
  /** Its configuration files that could not be read or understood, and why: what they say is not among the settings. */
  faults?: { path: string; fault: string }[];
  /** Flags in the manifest that the next start will read; absent when not readable or the same source as `flags`. */
  nextFlags?: Record<string, string[]>;
  management: Management;
  /** Holds the component's Lease now. undefined: not elected, or not known. */
  leader?: boolean;
  /** host:port of the TLS endpoint reroot can probe. A loopback address is its node's. */
  endpoint?: string;
}

/** A process that reroot does not know and whose arguments name files that hold material of an authority. */
export interface Stranger {
  id: PartyId; // NODE/NAME
  node: NodeName;
  name: string;
  pid: number;
  startedAt: Millis;
  paths: string[];
  stores: StoreId[];
}

export type WorkloadKind = 'Deployment' | 'DaemonSet' | 'StatefulSet';

export interface Pod {
  id: PartyId; // pod/NAMESPACE/NAME
  namespace: string;
  name: string;
  node: NodeName;
  startedAt: Millis;
  /** The latest moment at which one of its containers started. undefined while one is between two runs: then nobody can say. */
  lastStartedAt?: Millis;
  /** How the pod gets the cluster's CA: a projected volume that is kept current, a mount that never changes, or not at all. */
  rootCA: 'projected' | 'sub-path' | 'none';
  /** True when its client is known to re-read the file (catalogue claim, not a measurement). undefined: not known, so taken as frozen. */
  rereads?: boolean;
  /** Trust anchors the projected file holds now, where the node was asked. */
  holds?: Fingerprint[];
  owner?: { kind: string; name: string };
  /** What rolls it out anew by itself when its template changes; for the pods of a Deployment that, not the ReplicaSet. */
  workload?: { kind: WorkloadKind; name: string };
  /** Of a static pod: what its kubelet calls it, by which its processes' cgroups are known. Only its processes can be ended: the API has a mirror of it. */
  staticHash?: string;
  hostPaths: string[];
}

export interface Node {
  name: NodeName;
  /** Its host's name (`kubernetes.io/hostname`), where that is another. */
  hostname?: string;
  roles: ('control-plane' | 'worker')[];
  reached: boolean;
  /** Why it was not reached, in words. */
  why?: string;
  /** A system on which reroot reads and writes nothing, and what does it there. It is not reached then. */
  unsupported?: { what: string; instead: string };
  /** The node's clock minus ours, milliseconds (half a round trip of error). */
  clockOffset?: Millis;
  freeBytes?: number;
}

/** A Service and one of its ports. */
export interface ServiceRef {
  namespace: string;
  name: string;
  port: number;
}

/** An endpoint the API server calls with a trust anchor of its own: webhook, aggregated API server, CRD conversion. */
export interface Callee {
  id: PartyId; // webhook/NAME | apiservice/NAME | crd/NAME
  /** The store with its caBundle. */
  caBundle?: StoreId;
  /** host:port where it was reached first, if it was. */
  endpoint?: string;
  /** The node through which it was reached; absent: from here. */
  through?: NodeName;
  /** The name API servers look for in its certificate: `NAME.NAMESPACE.svc`, or the URL's host. */
  serverName?: string;
  /** What it is behind. Its Pods are looked up again for each proof: they move. */
  service?: ServiceRef;
  /** The chain it served, leaf first. */
  served?: CertFact[];
  /** Chains with other leafs, from other Pods behind the same Service. */
  others?: CertFact[][];
  /** The store its serving certificate comes from, where reroot found it by fingerprint. */
  servingStore?: StoreId;
  insecureSkipTLSVerify?: boolean;
  /** Why it showed nothing, or some of the Pods behind it did not, in words. */
  why?: string;
}

/** The server of kubeconfigs that a node's components use, as that node meets it. */
export interface Front {
  node: NodeName;
  server: string;
  /** `tls-server-name` of the kubeconfig. */
  serverName?: string;
  /** The chain it served in a fresh handshake, leaf first. */
  served?: CertFact[];
  /** Why it showed none, in words. */
  why?: string;
}

/** One live root of trust as found: the anchors that are in use for it now. */
export interface AuthorityFact {
  authority: Authority;
  /** Self-signed CAs in the authority's defining store (API server's client-ca-file, requestheader-client-ca-file, etcd-cafile). */
  anchors: CertFact[];
  /** Where the CA's private key was found, by fingerprint of the CA. Paths only. */
  keys: { fingerprint: Fingerprint; node: NodeName; path: string }[];
}

export interface Finding {
  severity: 'error' | 'warning' | 'note';
  /** Stable name, kebab-case, documented in docs/findings.md. */
  reason: string;
  subject: string;
  message: string;
  /** The next command or edit that mends it. */
  fix?: string;
}

export interface Inventory {
  takenAt: Millis;
  /** `distribution`: one that turns its CAs by itself, by the labels of its nodes. */
  cluster: { server: string; version: string; distribution?: { name: string; instead: string } };
  nodes: Node[];
  authorities: AuthorityFact[];
  instances: Instance[];
  stores: Store[];
  /** Absent: none. */
  strangers?: Stranger[];
  pods: Pod[];
  namespaces: string[];
  callees: Callee[];
  /** What was met at the servers of components' kubeconfigs; absent: not looked at. */
  fronts?: Front[];
  /** Every certificate signing request that is approved and whose certificate is not older than a day, with the issuing CA. */
  findings: Finding[];
}
