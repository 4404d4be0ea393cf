// One look at what a proof asks for. Waiting and asking again is the caller's: a proof is taken at the gate, and again when it is needed again.

import { addressBook } from '../cluster/service.ts';
import type { Proof } from '../core/model/step.ts';
import { accepts } from './accepts.ts';
import { batchedReader } from './batch.ts';
import { atOnce, safely } from './combine.ts';
import type { Look, LookContext, Observation, ProbeContext } from './context.ts';
import { holds, podOf } from './holds.ts';
import { loaded } from './loaded.ts';
import { type PodsNow, podsNow } from './pods-now.ts';
import { presents } from './presents.ts';
import { processTables } from './processes.ts';
import { published } from './published.ts';
import { membersOf } from './resolve.ts';
import { restarted } from './restarted.ts';
import { serves } from './serves.ts';
import { settled } from './settled.ts';
import { signs } from './signs.ts';

export type { Observation } from './context.ts';

/** Measures each thing the proof names, once, side by side. What cannot be measured is an observation without a value; this throws for nothing the cluster does. */
export async function prove(proof: Proof, ctx: ProbeContext): Promise<Observation[]> {
  if (proof.of.length === 0) return [];
  const shared = {
    read: batchedReader(ctx.accessOf),
    tables: processTables(ctx),
    addresses: addressBook(ctx.cluster),
  };
  const look = await looker(proof, { ...ctx, ...shared }).catch(
    (thrown: unknown): Looker =>
      () =>
        Promise.reject(thrown),
  );
  return Promise.all(
    proof.of.map(async (of): Promise<Observation> => {
      const { value, evidence } = await safely(() => look(of));
      return { of, value, evidence, at: ctx.now() };
    }),
  );
}

type Looker = (of: string) => Promise<Look>;

async function looker(proof: Proof, ctx: LookContext): Promise<Looker> {
  switch (proof.kind) {
    case 'holds': {
      const pods = await podsOrNone(
        ctx,
        proof.of.map((of) => podOf(of)).filter((pod) => pod !== undefined),
      );
      return (of) => atOnce(() => holds(proof, of, ctx, pods));
    }
    case 'serves':
      return (of) => serves(proof, of, ctx);
    case 'accepts':
      return (of) => accepts(proof, of, ctx);
    case 'presents':
      return (of) => presents(proof, of, ctx);
    case 'restarted':
      return (of) => atOnce(() => restarted(proof, of, ctx));
    case 'signs': {
      // The leader signs for all: one request answers for every use that is named.
      const answer = safely(() => signs(proof, ctx));
      return () => answer;
    }
    case 'published': {
      const looks = published(proof, ctx);
      return async (of) => (await looks).get(of) ?? { value: undefined, evidence: 'it was not seen' };
    }
    case 'loaded': {
      const parties = proof.of.flatMap((of) => membersOf(ctx, of).map(({ party }) => party));
      const pods = await podsOrNone(
        ctx,
        parties.filter((party) => party.startsWith('pod/')),
      );
      return (of) => loaded(proof, of, ctx, pods);
    }
    case 'settled':
      return (of) => settled(proof, of, ctx);
  }
}

/** Without the list of pods nothing may be taken as gone: a failure here is one of the whole look. */
async function podsOrNone(ctx: LookContext, wanted: readonly string[]): Promise<PodsNow> {
  return wanted.length === 0 ? new Map() : podsNow(ctx, new Set(wanted));
}
