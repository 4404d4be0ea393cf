// What pods' projected volumes hold now: one look at the kubelet's folder shows all pods of a node.

import type { Instance, Millis } from '../core/model/inventory.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { type FileFound, findFiles, readFiles } from '../nodes/files.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { flag } from './argv.ts';

const PROJECTED = /\/pods\/([^/]+)\/volumes\/kubernetes\.io~projected\/[^/]+\/ca\.crt$/;
const FOLDER_DEPTH = 6;

/** What a pod's projected volumes hold. */
export interface PodVolumes {
  certificates: Certificate[];
  /** When the youngest of the files was written, by the node's clock: a volume is written anew with each change (K:pkg/volume/util/atomic_writer.go). */
  changedAt: Millis;
}

/** CA certificates in the projected volumes, by pod UID. Empty for a node without a kubelet. Throws NodeUnreachable. */
export async function readPodCAs(
  access: NodeAccess,
  kubelet: Pick<Instance, 'flags'> | undefined,
): Promise<Map<string, PodVolumes>> {
  if (!kubelet) return new Map();
  const root = flag(kubelet.flags, 'root-dir') ?? '/var/lib/kubelet';
  const paths = await findFiles(access, [`${root}/pods`], ['ca.crt'], { depth: FOLDER_DEPTH });
  const files = await readFiles(
    access,
    paths.filter((path) => PROJECTED.test(path)),
  );
  const byUid = new Map<string, PodVolumes>();
  const parsed = new Map<string, Certificate[]>();
  for (const file of files.values()) {
    if (file.kind === 'fault') continue;
    const uid = PROJECTED.exec(file.path)?.[1] ?? '';
    const certificates = parsed.get(file.sha256) ?? parseOrNone(file);
    parsed.set(file.sha256, certificates);
    const known = byUid.get(uid);
    byUid.set(uid, {
      certificates: [...(known?.certificates ?? []), ...certificates],
      changedAt: Math.max(known?.changedAt ?? 0, file.changedAt),
    });
  }
  return byUid;
}

function parseOrNone(file: FileFound): Certificate[] {
  try {
    return parseCertificates(file.bytes, file.path);
  } catch {
    // Half-written, or not the cluster's: the next look shows.
    return [];
  }
}
