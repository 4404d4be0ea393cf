// While a rotation is open kubeadm must not find a CA key: `certs renew`, `upgrade` and a control-plane join would write one
// certificate without a bridge over what is served (trap 24). The key waits in the staging folder meanwhile.

import { posix } from 'node:path';
import { ApiError, isNotFound } from '../cluster/client.ts';
import type { Authority } from '../core/model/ids.ts';
import { EXIT, RerootError } from '../errors.ts';
import { readFiles, removeFile, writeFile } from '../nodes/files.ts';
import { matches } from '../pki/keys.ts';
import { keyToPem, parsePrivateKey } from '../pki/pem.ts';
import { type Context, materialOf } from './context.ts';

/** Names kubeadm gives the pairs below the pki folder (K:cmd/kubeadm/app/constants/constants.go). */
const KUBEADM_NAMES: Record<Authority, string | undefined> = {
  kubernetes: 'ca',
  'front-proxy': 'front-proxy-ca',
  etcd: 'etcd/ca',
  'service-account': undefined,
};

interface Place {
  node: string;
  key: string;
  certificate: string;
}

/** The places where kubeadm looks, on each control-plane node. */
export function kubeadmPlaces(ctx: Pick<Context, 'folders'>, authority: Authority): Place[] {
  const name = KUBEADM_NAMES[authority];
  if (!name) return [];
  return ctx.folders.map(({ node, home }) => {
    const pki = posix.dirname(home);
    return { node, key: posix.join(pki, `${name}.key`), certificate: posix.join(pki, `${name}.crt`) };
  });
}

/** The CAs and their keys as `kubeadm init --upload-certs` keeps them for two hours, for control planes that join (K:cmd/kubeadm/app/phases/copycerts). */
const UPLOADED = '/api/v1/namespaces/kube-system/secrets/kubeadm-certs';

/** A control plane that joins would take the old CA and its key from there and serve without a bridge. kubeadm makes it again when it is asked to. */
async function forgetUploaded(ctx: Context, authority: Authority): Promise<void> {
  try {
    await ctx.cluster.get(UPLOADED);
    await ctx.cluster.remove(UPLOADED);
  } catch (thrown) {
    if (isNotFound(thrown)) return;
    if (!(thrown instanceof ApiError) || thrown.status !== 403) throw thrown;
    throw new RerootError(
      EXIT.blocked,
      `the Secret kubeadm-certs holds the CA keys for control planes that join, and ${thrown.message}`,
      {
        hints: [
          'remove it: kubectl -n kube-system delete secret kubeadm-certs (kubeadm init phase upload-certs makes it again)',
          'or let reroot do it: docs/access/cluster-role.yaml',
        ],
      },
    );
  }
  const message =
    'the Secret kubeadm-certs was removed: no control plane can join until the rotation is over; then: kubeadm init phase upload-certs --upload-certs';
  ctx.emit({ type: 'warning', authority, message });
}

/** Takes each CA key out of kubeadm's sight. It is staged already (both generations): this only removes, after it has made sure. */
export async function freeze(ctx: Context, authority: Authority): Promise<void> {
  await forgetUploaded(ctx, authority);
  const material = materialOf(ctx, authority);
  for (const place of kubeadmPlaces(ctx, authority)) {
    const access = ctx.accessOf(place.node);
    const seen = (await readFiles(access, [place.key])).get(place.key);
    if (!seen?.bytes) continue;
    const key = parsePrivateKey(Buffer.from(seen.bytes).toString('utf8'), `${place.node}:${place.key}`);
    const isStaged = [material.old, material.new].some((one) => one.key && matches(one.certificate, key));
    if (!isStaged) {
      throw new RerootError(
        EXIT.blocked,
        `${place.key} on ${place.node} is not the key of ${material.old.certificate.subject}, nor the new one: reroot leaves it alone`,
        {
          hints: ['find out whose key it is; reroot inspect shows the pairs'],
        },
      );
    }
    await removeFile(access, place.key);
  }
}

/** Puts the key that belongs to the first certificate of the CA file back where kubeadm looks: new after retire, old after a rollback. */
export async function unfreeze(ctx: Context, authority: Authority): Promise<void> {
  const material = materialOf(ctx, authority);
  const back = ctx.record.state === 'rolling-back' ? material.old : material.new;
  if (!back.key || material.external) return;
  for (const place of kubeadmPlaces(ctx, authority)) {
    const access = ctx.accessOf(place.node);
    const seen = (await readFiles(access, [place.certificate])).get(place.certificate);
    await writeFile(access, place.key, Buffer.from(keyToPem(back.key)), {
      mode: 0o600,
      ...(seen?.bytes === undefined ? {} : { owner: seen.owner }),
    });
  }
}
