// One look at one node: its components, their files, what lies around them, and what its pods' volumes hold.

import type { Config } from '../config/config.ts';
import { wantedFiles } from '../core/catalog/stores-of.ts';
import type { Instance, Stranger } from '../core/model/inventory.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { type FileSeen, freeBytes, readFiles } from '../nodes/files.ts';
import { clockOffset, listProcesses } from '../nodes/processes.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { findInstances } from './instances.ts';
import { guessKinds, type RawStore, spkiOf, storeOfFile, type WantedStore } from './material.ts';
import { type PodVolumes, readPodCAs } from './pod-volumes.ts';
import { RECORD, scanFiles } from './scan.ts';
import type { KeyFile } from './seen.ts';
import { namedInSettings } from './server-settings.ts';
import { strangersIn } from './strangers.ts';

export interface NodeSeen {
  clockOffset: number;
  freeBytes?: number;
  instances: Instance[];
  stores: RawStore[];
  keyFiles: KeyFile[];
  strangers: Stranger[];
  /** From the rotation's record, where one lies here: its CAs are needed to tell generations apart before any store holds the new one. */
  record?: RecordSeen;
  /** Trust anchors in each pod's projected volume, by pod UID. */
  podCAs: Map<string, PodVolumes>;
}

export interface NodeContext {
  access: NodeAccess;
  config: Config;
  address: string | undefined;
}

/** Throws NodeUnreachable when the node is away. */
export async function lookAtNode(context: NodeContext): Promise<NodeSeen> {
  const [clock, seen] = await Promise.all([clockOffset(context.access), lookAround(context)]);
  // Within the error of the measurement the clocks agree.
  return { clockOffset: Math.abs(clock.offset) <= clock.error ? 0 : clock.offset, ...seen };
}

async function lookAround(context: NodeContext): Promise<Omit<NodeSeen, 'clockOffset'>> {
  const { access, config } = context;
  const table = await listProcesses(access);
  const instances = await findInstances(table, context);
  const wanted = wantedOf(instances);
  const paths = [...new Set(wanted.flatMap(({ path, keyPath }) => (keyPath === undefined ? [path] : [path, keyPath])))];
  const configured = [
    ...Object.values(config.nodes[access.node]?.components ?? {}).flatMap(({ paths }) => paths),
    ...(await namedInSettings(access, instances)),
  ];
  const [known, scanned, podCAs, free] = await Promise.all([
    readFiles(access, paths),
    scanFiles(access, { files: paths, configured }, new Set(paths)),
    readPodCAs(
      access,
      instances.find(({ component }) => component === 'kubelet'),
    ),
    paths[0] === undefined ? undefined : freeBytes(access, paths[0]),
  ]);
  const extra = unusedStores(access.node, scanned);
  const stores = [
    ...wanted.map((want) =>
      storeOfFile(
        access.node,
        want,
        seenAt(known, want.path),
        want.keyPath === undefined ? undefined : known.get(want.keyPath),
      ),
    ),
    ...extra,
  ].filter((store) => !isEmptyKubeconfigPart(store));
  return {
    ...(free === undefined ? {} : { freeBytes: free }),
    instances,
    stores,
    keyFiles: keyFilesOf(access.node, [...known.values(), ...scanned.values()]),
    strangers: strangersIn(access.node, table, { instances, stores }),
    ...recordIn(scanned),
    podCAs,
  };
}

const seenAt = (files: ReadonlyMap<string, FileSeen>, path: string): FileSeen =>
  files.get(path) ?? { kind: 'fault', path, reason: 'other', fault: 'it was not read' };

/** Each file and part once, the row that names a key before one that does not. */
function wantedOf(instances: readonly Instance[]): WantedStore[] {
  const byPlace = new Map<string, WantedStore>();
  for (const { path, kind, keyPath } of instances.flatMap(wantedFiles)) {
    const place = `${kind.startsWith('kubeconfig-') ? kind : ''}:${path}`;
    const known = byPlace.get(place);
    if (known?.keyPath === undefined)
      byPlace.set(place, {
        path,
        kind: known?.kind === 'pair' ? 'pair' : kind,
        ...(keyPath === undefined ? {} : { keyPath }),
      });
  }
  return [...byPlace.values()];
}

/** A kubeconfig with a token has no client certificate, one without a CA uses the machine's: neither is a store. */
const isEmptyKubeconfigPart = (store: RawStore): boolean =>
  store.kind.startsWith('kubeconfig-') && store.fault === undefined && store.certificates.length === 0;

/** Files that no component was seen to use, as stores. A certificate's key is looked for beside it: `x.crt`, `x.key`. */
function unusedStores(node: string, scanned: ReadonlyMap<string, FileSeen>): RawStore[] {
  return [...scanned.values()].flatMap((file) => {
    if (file.kind === 'fault' || file.path.endsWith(`/${RECORD}`)) return [];
    return guessKinds(file.bytes).map((guessed) => {
      const beside = file.path.replace(/\.(crt|pem|cer|cert)$/, '.key');
      const key = beside === file.path ? undefined : scanned.get(beside);
      const keyPath = guessed === 'pair' || guessed === 'kubeconfig-client' ? file.path : key && beside;
      const store = storeOfFile(
        node,
        { path: file.path, kind: guessed, ...(keyPath === undefined ? {} : { keyPath }) },
        file,
        key,
      );
      const isBundle = guessed === 'leaf' && store.certificates.every((certificate) => certificate.isCA);
      return isBundle ? { ...store, kind: 'bundle' as const } : store;
    });
  });
}

/** Every file with a private key in it. */
function keyFilesOf(node: string, files: readonly FileSeen[]): KeyFile[] {
  return files.flatMap((file): KeyFile[] => {
    if (file.kind === 'fault' || !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(file.bytes.toString('latin1'))) return [];
    const { keySpki } = spkiOf(file.bytes, file.path);
    return [
      {
        node,
        path: file.path,
        mode: file.mode,
        owner: file.owner,
        ...(keySpki === undefined ? {} : { spki: keySpki }),
      },
    ];
  });
}

export interface RecordSeen {
  /** Id of a rotation that is not ended. */
  open?: string;
  cas: Certificate[];
}

interface RecordFile {
  id?: string;
  state?: string;
  authorities?: { oldCA?: string; newCA?: string }[];
}

function recordIn(files: ReadonlyMap<string, FileSeen>): { record?: RecordSeen } {
  const file = [...files.values()].find(({ path }) => path.endsWith(`/${RECORD}`));
  if (!file?.bytes) return {};
  try {
    const { id, state, authorities = [] } = JSON.parse(file.bytes.toString('utf8')) as RecordFile;
    const cas = authorities.flatMap(({ oldCA = '', newCA = '' }) => parseCertificates(`${oldCA}\n${newCA}`, file.path));
    const isOpen = id !== undefined && (state === 'open' || state === 'rolling-back');
    return { record: { cas, ...(isOpen ? { open: id } : {}) } };
  } catch {
    // `rotate` and `status` read the record in earnest, and say what is wrong with it.
    return {};
  }
}
