// Whether a backup goes back to the cluster that it is of. A kubeconfig that leads elsewhere would put the CAs of one cluster into another.

import type { Cluster } from '../cluster/client.ts';
import { clusterUid } from '../cluster/uid.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { ArchiveHeader } from './archive.ts';

type Known = Pick<Cluster, 'get' | 'server'>;

/** What the plan must say of it, if anything. Throws RerootError, exit 3, for another cluster, unless forced. */
export async function noteOfCluster(
  header: Pick<ArchiveHeader, 'server' | 'clusterUid'>,
  cluster: Known | undefined,
  force: boolean,
): Promise<string | undefined> {
  const unknown = (why: string): string =>
    `whether this is the cluster of the backup, ${header.server}, is not known: ${why}`;
  if (header.clusterUid === undefined) return unknown('the backup does not say which one it is of');
  if (!cluster) return unknown('no API server answers');
  const uid = await clusterUid(cluster);
  if (uid === undefined) return unknown('the namespace kube-system cannot be read');
  if (uid === header.clusterUid) return undefined;
  const other = `the backup is of another cluster: ${header.server} (kube-system ${header.clusterUid}), and not ${cluster.server} (${uid})`;
  if (force) return other;
  throw new RerootError(EXIT.blocked, other, {
    hints: [
      'give the kubeconfig of the cluster that the backup is of: --kubeconfig FILE, --context NAME',
      'if that one was set up anew and is to have its old CAs back, --force goes on',
    ],
  });
}
