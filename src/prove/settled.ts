// settled: extension-apiserver-authentication, a union that its publishers only ever add to. Once something was dropped from it, it must stay so through
// two polls of every API server (K:pkg/controlplane/controller/clusterauthenticationtrust: once a minute) before that means anything.

import type { StoreId } from '../core/model/ids.ts';
import type { Proof } from '../core/model/step.ts';
import { contentOf } from './content.ts';
import type { Look, LookContext } from './context.ts';
import { generationsOf } from './resolve.ts';
import { seconds, serverClock } from './times.ts';

const QUIET = 120_000;

export async function settled(proof: Proof, id: StoreId, ctx: LookContext): Promise<Look> {
  const content = await contentOf(ctx, id, 'trust', generationsOf(ctx, proof));
  // Holding both, nothing was dropped: nothing can come back.
  if (content.value === undefined || content.value === 'both') return content;
  const quiet = (await serverClock(ctx.cluster)) - (content.changedAt ?? 0);
  if (quiet < QUIET)
    return { value: undefined, evidence: `${content.evidence}, unchanged for ${seconds(quiet)} of ${seconds(QUIET)}` };
  return { value: content.value, evidence: `${content.evidence}, unchanged for ${seconds(quiet)}` };
}
