// published: what the controller manager's leader keeps in every namespace, read back from the API in two lists.

import type { KubeObject, ObjectMeta } from '../cluster/client.ts';
import type { StoreId } from '../core/model/ids.ts';
import { objectId } from '../core/model/ids.ts';
import type { Proof } from '../core/model/step.ts';
import { listReduced } from '../discover/paged.ts';
import { ROOT_CA_CONFIG_MAP } from '../discover/pods.ts';
import { objectContent, parseObjectId } from './content.ts';
import type { Look, LookContext } from './context.ts';
import { generationsOf } from './resolve.ts';

type Data = KubeObject & { metadata: ObjectMeta & { namespace: string } };

/** One look at all that the proof names. */
export async function published(proof: Proof, ctx: LookContext): Promise<Map<StoreId, Look>> {
  const authority = generationsOf(ctx, proof);
  const looked = new Map<StoreId, Look>();
  const wanted = new Set(proof.of);
  const take = (kind: 'ConfigMap' | 'Secret') => (object: Data) => {
    const id = objectId(kind, object.metadata.namespace, object.metadata.name, 'ca.crt');
    const place = wanted.has(id) ? parseObjectId(id) : undefined;
    if (place) looked.set(id, objectContent(ctx, place, object, 'trust', authority));
    return undefined;
  };
  const kinds = new Set(proof.of.map((id) => id.split('/')[1]));
  const [namespaces] = await Promise.all([
    listReduced<Data, string>(ctx.cluster, '/api/v1/namespaces', ({ metadata }) => metadata.name),
    kinds.has('ConfigMap') &&
      listReduced<Data, never>(ctx.cluster, '/api/v1/configmaps', take('ConfigMap'), {
        fieldSelector: `metadata.name=${ROOT_CA_CONFIG_MAP}`,
      }),
    kinds.has('Secret') &&
      listReduced<Data, never>(ctx.cluster, '/api/v1/secrets', take('Secret'), {
        fieldSelector: 'type=kubernetes.io/service-account-token',
      }),
  ]);
  const there = new Set(namespaces);
  for (const id of proof.of) if (!looked.has(id)) looked.set(id, missing(id, proof, there));
  return looked;
}

/** A namespace or a token Secret may be deleted meanwhile; the ConfigMap of a namespace that is there comes back. */
function missing(id: StoreId, proof: Proof, namespaces: ReadonlySet<string>): Look {
  const [, kind, namespace = ''] = id.split('/');
  if (kind === 'ConfigMap' && namespaces.has(namespace))
    return { value: undefined, evidence: 'it is not there now; the controller manager makes it again' };
  return {
    value: proof.keep[0],
    evidence: kind === 'Secret' && namespaces.has(namespace) ? 'the Secret was deleted' : 'its namespace was deleted',
  };
}
