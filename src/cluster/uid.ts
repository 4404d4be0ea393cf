import { ApiError, ApiUnreachable, type Cluster, type KubeObject } from './client.ts';

/**
 * Which cluster it is, whatever its address and its CAs: the UID of the namespace kube-system, which is made once in a cluster's life. undefined where it
 * cannot be read.
 */
export async function clusterUid(cluster: Pick<Cluster, 'get'>): Promise<string | undefined> {
  try {
    return (await cluster.get<KubeObject>('/api/v1/namespaces/kube-system')).metadata.uid;
  } catch (thrown) {
    if (thrown instanceof ApiError || thrown instanceof ApiUnreachable) return undefined;
    throw thrown;
  }
}
