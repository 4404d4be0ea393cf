// Stores that others fill and parties that take from them: kube-root-ca.crt, the projected files of pods, the union ConfigMap,
// cluster-info with the nodes that join by it, certificates in flight, and what kubeadm writes.

import { objectId, type StoreId, wholeStore } from '../model/ids.ts';
import type { Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Value } from '../model/value.ts';
import { memoryOf } from './instance-part.ts';
import { historyOf } from './memory.ts';
import { alike, classId, type Part, type PartStore, type PartUse } from './part.ts';
import { CLUSTER_INFO, type Survey } from './survey.ts';
import { trustOf } from './value-of.ts';

/** Certificates signed and not yet taken up: approved CSRs whose kubelet has not written them. */
export const IN_FLIGHT: StoreId = objectId('CertificateSigningRequest', '', 'in-flight');
/** A node that joins: it has no history, it takes what cluster-info and the signer give it now. No real node has an underscore. */
export const JOINING = 'node/_joining';
/** Milliseconds after which a join or a kubelet that asked for a certificate has ended one way or the other (kubelet waits 15 min for a CSR). */
export const IN_FLIGHT_LIMIT = 15 * 60_000;

export const UNION = objectId('ConfigMap', 'kube-system', 'extension-apiserver-authentication');

/** The key of the union ConfigMap that holds an authority's anchors. */
export const unionKey = (a: AuthorityRotation): string =>
  a.authority === 'front-proxy' ? 'requestheader-client-ca-file' : 'client-ca-file';

export const unionStore = (survey: Survey, a: AuthorityRotation): Store | undefined =>
  survey.store(`${UNION}#${unionKey(a)}`);

export const clusterInfo = (survey: Survey): Store | undefined =>
  survey.inventory.stores.find((store) => wholeStore(store.id) === CLUSTER_INFO && !store.embedded);

/** A store of anchors that a flow fills, with what it holds. */
export const trustStore = (store: Store, a: AuthorityRotation): PartStore => ({
  id: store.id,
  holds: 'trust',
  values: [trustOf(store.certs, a)],
});

/** kube-root-ca.crt of every namespace and the token Secrets that carry the same bytes, in classes of one content. */
export function rootCACopies(survey: Survey, a: AuthorityRotation): PartStore[] {
  const copies = survey.inventory.stores.filter((store) => store.publishedBy === 'root-ca-publisher');
  const groups = alike(copies, (store) => `${kindOf(store)} ${trustOf(store.certs, a)}`);
  return groups.map((group, i): PartStore => {
    const first = group[0] as Store;
    const values: readonly Value[] = [trustOf(first.certs, a)];
    if (group.length === 1) return { id: first.id, holds: 'trust', values, tag: 'root-ca' };
    const id = classId(`${kindOf(first)} root-ca`, `${i + 1}`);
    return { id, holds: 'trust', values, tag: 'root-ca', members: group.map((store) => store.id) };
  });
}

const kindOf = (store: Store): string => store.id.split('/')[1] ?? '';

/** Uses of the union ConfigMap by a party that verifies clients and has no CA file of its own for them. */
export function unionUse(
  survey: Survey,
  a: AuthorityRotation,
  startedAt: number | undefined,
  more: Pick<PartUse, 'end'> = {},
): PartUse | undefined {
  const store = unionStore(survey, a);
  if (!store) return undefined;
  const value = trustOf(store.certs, a);
  return {
    name: a.authority === 'front-proxy' ? 'requestheader-ca' : 'client-ca',
    authority: a.authority,
    kind: 'verifies-clients',
    holds: 'trust',
    reread: 'at-once', // an informer: A:pkg/server/options/authentication.go, dynamiccertificates/configmap_cafile_content.go
    proof: 'accepts',
    sources: [{ store: trustStore(store, a) }],
    memory: memoryOf(survey, a, startedAt, store, 'trust', value, true),
    ...more,
  };
}

/** Nodes that join while the rotation goes on. Only where bootstrap tokens can be used at all: where cluster-info is there. */
export function joiningPart(survey: Survey, a: AuthorityRotation): Part | undefined {
  const store = clusterInfo(survey);
  if (!store || trustOf(store.certs, a) === 'none') return undefined;
  const value = trustOf(store.certs, a);
  const settled = store.changedAt !== undefined && survey.now - store.changedAt > IN_FLIGHT_LIMIT;
  const history = historyOf('trust', value, a, survey.rollback, true);
  const memory = settled || history.length === 1 ? {} : { memory: history };
  const common = { authority: a.authority, reread: 'at-once', proof: 'loaded', sources: [] } as const;
  return {
    party: JOINING,
    parties: [JOINING],
    uses: [
      {
        ...common,
        ...memory,
        name: 'root-ca',
        kind: 'verifies-servers',
        holds: 'trust',
        end: 'api server, server certificate:verifies',
      },
      {
        ...common,
        ...memory,
        name: 'client-ca',
        kind: 'verifies-clients',
        holds: 'trust',
        end: 'kubelet, client certificate:verifies',
      },
      {
        ...common,
        name: 'client',
        kind: 'presents-as-client',
        holds: 'credential',
        end: 'api server, client certificate:presents',
      },
    ],
  };
}
