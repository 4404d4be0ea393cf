// `extension-apiserver-authentication` is a union that never shrinks by itself: schedulers and aggregated API servers go on accepting
// old until it is edited. It is edited, never deleted (a deleted one leaves the old trust active in memory, kubernetes issue 140130),
// and then watched: an API server whose publisher has not seen the change yet puts old back within a minute (traps.md).

import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../cluster/client.ts';
import type { StoreId } from '../core/model/ids.ts';
import { EXIT, RerootError } from '../errors.ts';
import { parseCertificates, toPem } from '../pki/pem.ts';
import type { Context } from './context.ts';

const PATH = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
/** Each API server's publisher polls once a minute (cluster_authentication_trust_controller.go); two polls show that none adds it again. */
export const QUIET = 120_000;
const EDITS = 8;
const LOOK_EVERY = 2_000;

interface ConfigMap {
  metadata: { resourceVersion: string };
  data?: Record<string, string>;
}

/** Drops the fingerprints that must not be trusted any more from one key (`…#client-ca-file`) and stays until it has been quiet for two minutes. */
export async function shrinkUnion(ctx: Context, store: StoreId): Promise<void> {
  const key = store.slice(store.lastIndexOf('#') + 1);
  const drop = unwanted(ctx);
  let edits = 0;
  let quietSince = ctx.now();
  let told = 0;
  for (;;) {
    const edited = await dropOnce(ctx, key, drop);
    if (edited) {
      edits += 1;
      quietSince = ctx.now();
      if (edits > EDITS) {
        throw new RerootError(
          EXIT.failedSafe,
          `an API server puts the old CA back into ${store} after ${EDITS} edits`,
          {
            hints: [
              'an API server still reads a CA file that holds old: reroot inspect shows which',
              'then run the same command again',
            ],
          },
        );
      }
    }
    const quiet = ctx.now() - quietSince;
    if (quiet >= QUIET) return;
    if (ctx.signal.aborted) {
      throw new RerootError(EXIT.interrupted, `interrupted while watching ${store}`, {
        hints: ['run the same command again'],
      });
    }
    if (ctx.now() - told >= 10_000) {
      told = ctx.now();
      const seconds = Math.round(quiet / 1000);
      ctx.emit({
        type: 'wait',
        message: `watches that no API server puts old back into ${key}: quiet for ${seconds} of ${QUIET / 1000} s`,
        data: { seconds, store },
      });
    }
    await pause(Math.min(LOOK_EVERY, QUIET - quiet));
  }
}

/** Fingerprints to drop: the old generations, and the new ones when the way goes back. */
function unwanted(ctx: Context): Set<string> {
  const back = ctx.record.state === 'rolling-back';
  return new Set(ctx.materials.map((material) => (back ? material.new : material.old).certificate.fingerprint));
}

async function dropOnce(ctx: Context, key: string, drop: ReadonlySet<string>): Promise<boolean> {
  const map = (await ctx.cluster.get(PATH)) as ConfigMap;
  const text = map.data?.[key] ?? '';
  const held = parseCertificates(text, `extension-apiserver-authentication ${key}`);
  const kept = held.filter((certificate) => !drop.has(certificate.fingerprint));
  if (kept.length === held.length) return false;
  if (kept.length === 0) {
    throw new RerootError(
      EXIT.failedSafe,
      `${key} of extension-apiserver-authentication holds nothing but the CA to drop: reroot does not empty it`,
      {
        hints: ['an API server that reads the new CA publishes it within a minute; run the same command again'],
      },
    );
  }
  try {
    await ctx.cluster.patch(PATH, [
      { op: 'test', path: '/metadata/resourceVersion', value: map.metadata.resourceVersion },
      { op: 'replace', path: `/data/${key}`, value: toPem(kept) },
    ]);
    return true;
  } catch (thrown) {
    // Somebody wrote in between: look again.
    if (thrown instanceof ApiError && (thrown.status === 409 || thrown.status === 422)) return false;
    throw thrown;
  }
}
