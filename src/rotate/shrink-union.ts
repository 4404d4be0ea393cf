// `extension-apiserver-authentication` is a union that never shrinks by itself: schedulers and aggregated API servers go on accepting
// old until it is edited. It is edited, never deleted (a deleted one leaves the old trust active in memory, kubernetes issue 140130),
// and then watched: an API server whose publisher has not seen the change yet puts old back within a minute (traps.md).

import { setTimeout as pause } from 'node:timers/promises';
import { isConflict } from '../cluster/client.ts';
import type { StoreId } from '../core/model/ids.ts';
import type { Proof } from '../core/model/step.ts';
import { EXIT, RerootError } from '../errors.ts';
import { parseCertificates, toPem } from '../pki/pem.ts';
import type { Observation } from '../prove/prove.ts';
import type { Context } from './context.ts';
import { isStopped } from './stop.ts';

const PATH = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
/** Milliseconds. Each API server's publisher polls once a minute (cluster_authentication_trust_controller.go): two polls show that none adds it again. */
export const QUIET = 120_000;
/** Edits of one key before reroot gives up: somebody else keeps putting old back. */
const EDITS = 8;
const LOOK_EVERY = 2_000;

interface Watched {
  edits: number;
  quietSince: number;
}

/** What this run has edited, by key: several keys are watched in the same two minutes. */
const watched = new WeakMap<Context['record'], Map<string, Watched>>();

const keyOf = (store: StoreId): string => store.slice(store.lastIndexOf('#') + 1);

/** Drops what must not be trusted any more from these keys (`…#client-ca-file`). That it stays away is for `settle` to show. */
export async function shrinkUnion(ctx: Context, stores: readonly StoreId[]): Promise<void> {
  for (const key of stores.map(keyOf)) while (await dropOnce(ctx, key)) noteEdit(ctx, key);
}

/** Watches until every key has been quiet for two minutes; what an API server puts back meanwhile is dropped again. */
export async function settle(ctx: Context, proof: Proof): Promise<Observation[]> {
  let told = 0;
  for (;;) {
    for (const store of proof.of) if (await dropOnce(ctx, keyOf(store))) noteEdit(ctx, keyOf(store));
    const quiet = Math.min(...proof.of.map((store) => ctx.now() - stateOf(ctx, keyOf(store)).quietSince));
    if (quiet >= QUIET) return proof.of.map((of) => shown(ctx, proof, of, quiet));
    if (isStopped(ctx)) {
      throw new RerootError(EXIT.interrupted, 'interrupted while watching extension-apiserver-authentication', {
        hints: ['run the same command again to go on from here'],
      });
    }
    if (ctx.now() - told >= 10_000) {
      told = ctx.now();
      tell(ctx, proof, quiet);
    }
    await pause(Math.min(LOOK_EVERY, Math.max(50, QUIET - quiet)));
  }
}

function tell(ctx: Context, proof: Proof, quiet: number): void {
  const seconds = Math.round(quiet / 1000);
  const message = `watches that no API server puts old back into extension-apiserver-authentication: quiet for ${seconds} of ${QUIET / 1000} s`;
  ctx.emit({ type: 'wait', message, data: { seconds, missing: proof.of } });
}

const shown = (ctx: Context, proof: Proof, of: StoreId, quiet: number): Observation => ({
  of,
  value: proof.keep[0],
  at: ctx.now(),
  evidence: `nothing put it back for ${Math.round(quiet / 1000)} s after edit ${stateOf(ctx, keyOf(of)).edits}`,
});

function stateOf(ctx: Context, key: string): Watched {
  const keys = watched.get(ctx.record) ?? new Map<string, Watched>();
  watched.set(ctx.record, keys);
  const state = keys.get(key) ?? { edits: 0, quietSince: ctx.now() };
  keys.set(key, state);
  return state;
}

function noteEdit(ctx: Context, key: string): void {
  const state = stateOf(ctx, key);
  state.edits += 1;
  state.quietSince = ctx.now();
  if (state.edits <= EDITS) return;
  throw new RerootError(
    EXIT.failedSafe,
    `an API server puts the old CA back into extension-apiserver-authentication (${key}) after ${EDITS} edits`,
    {
      hints: [
        'an API server still reads a CA file that holds old: reroot inspect shows which',
        'then run the same command again',
      ],
    },
  );
}

/** Fingerprints to drop: the old generations, and the new ones when the way goes back. */
function unwanted(ctx: Context): Set<string> {
  const back = ctx.record.state === 'rolling-back';
  return new Set(ctx.materials.map((material) => (back ? material.new : material.old).certificate.fingerprint));
}

/** True when it was edited. */
async function dropOnce(ctx: Context, key: string): Promise<boolean> {
  const drop = unwanted(ctx);
  const map = await ctx.cluster.get<{ metadata: { resourceVersion: string }; data?: Record<string, string> }>(PATH);
  const held = parseCertificates(map.data?.[key] ?? '', `extension-apiserver-authentication ${key}`);
  const kept = held.filter((certificate) => !drop.has(certificate.fingerprint));
  if (kept.length === held.length) return false;
  if (kept.length === 0) {
    throw new RerootError(
      EXIT.failedSafe,
      `${key} of extension-apiserver-authentication holds nothing but the CA to drop: reroot does not empty it`,
      {
        hints: ['an API server that reads the other CA publishes it within a minute; then run the same command again'],
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
    // Somebody wrote in between: look again on the next turn.
    if (isConflict(thrown)) return false;
    throw thrown;
  }
}
