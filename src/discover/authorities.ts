// The roots of trust as the API servers' own flags define them.

import type { Authority } from '../core/model/ids.ts';
import type { AuthorityFact, CertFact, Instance, Store } from '../core/model/inventory.ts';
import { flag } from './argv.ts';
import type { KeyFile } from './seen.ts';

/** The flag of kube-apiserver whose file holds an authority's anchors. */
export const DEFINING_FLAG: Partial<Record<Authority, string>> = {
  kubernetes: 'client-ca-file',
  'front-proxy': 'requestheader-client-ca-file',
  etcd: 'etcd-cafile',
};

export function authoritiesOf(
  instances: readonly Instance[],
  stores: ReadonlyMap<string, Store>,
  keyFiles: readonly KeyFile[],
): AuthorityFact[] {
  const servers = instances.filter(({ component }) => component === 'kube-apiserver');
  return (Object.entries(DEFINING_FLAG) as [Authority, string][]).flatMap(([authority, name]) => {
    const anchors = new Map<string, CertFact>();
    for (const server of servers) {
      const path = flag(server.flags, name);
      for (const cert of stores.get(`file/${server.node}:${path}`)?.certs ?? []) {
        if (cert.selfSigned && cert.isCA) anchors.set(cert.fingerprint, cert);
      }
    }
    if (anchors.size === 0) return [];
    const keys = [...anchors.values()].flatMap(({ fingerprint, spki }) =>
      keyFiles.filter((key) => key.spki === spki).map(({ node, path }) => ({ fingerprint, node, path })),
    );
    return [{ authority, anchors: [...anchors.values()], keys }];
  });
}
