// Client certificates that open nothing: no RBAC names them. A server that trusts their CA answers 403 or 200, one that does not answers 401.

import type { Authority } from '../core/model/ids.ts';
import { makeClientLeaf } from '../pki/client-leaf.ts';
import { generateKey } from '../pki/keys.ts';
import type { ProbeContext, ProbeIdentity } from '../prove/context.ts';
import type { Context } from './context.ts';
import type { AuthorityMaterial, Generation } from './material.ts';

const minted = new WeakMap<Generation, ProbeIdentity>();

export function probeContext(ctx: Context): ProbeContext {
  return {
    cluster: ctx.cluster,
    config: ctx.config,
    cas: ctx.materials.flatMap((material) => [material.old.certificate, material.new.certificate]),
    accessOf: ctx.accessOf,
    ...(ctx.dial ? { dial: ctx.dial } : {}),
    rotation: ctx.rotation,
    inventory: ctx.inventory,
    now: ctx.now,
    identity: (authority: Authority, generation: 'old' | 'new') => {
      const material = ctx.materials.find((candidate) => candidate.authority === authority);
      return material ? identityOf(ctx, material, generation) : undefined;
    },
  };
}

function identityOf(ctx: Context, material: AuthorityMaterial, which: 'old' | 'new'): ProbeIdentity | undefined {
  const generation = material[which];
  if (!generation.key) return undefined;
  const known = minted.get(generation);
  if (known) return known;
  const key = generateKey('EC-P-256');
  // An aggregated API server asks for an allowed common name, and gives no rights to a request without the user headers.
  const commonName = material.authority === 'front-proxy' ? frontProxyName(ctx) : 'reroot-probe';
  const ca = { certificate: generation.certificate, key: generation.key };
  const identity = { certificate: makeClientLeaf(ca, { commonName, publicKey: key, now: ctx.now() }), key };
  minted.set(generation, identity);
  return identity;
}

/** One of the names that the API servers allow; any name will do where they name none. */
const frontProxyName = (ctx: Context): string =>
  ctx.inventory.instances
    .find(({ component }) => component === 'kube-apiserver')
    ?.flags['requestheader-allowed-names']?.at(-1)
    ?.split(',')[0] || 'front-proxy-client';
