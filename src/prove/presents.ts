// presents: what a client shows on its connections. Nobody but the server sees that, so it is inferred: the file's content now, and that every
// connection which may have been made with an earlier content is gone.

import type { Instance, Millis } from '../core/model/inventory.ts';
import { some } from '../core/model/some.ts';
import type { Proof } from '../core/model/step.ts';
import { contentOf } from './content.ts';
import type { Look, LookContext } from './context.ts';
import { atMembers, generationsOf, known, type Member } from './resolve.ts';
import { ours, seconds } from './times.ts';

/**
 * client-go looks at a client certificate file every five minutes and then closes all connections made with the earlier one (C:transport/cert_rotation.go);
 * 235 to 288 s were measured (trap 25).
 */
export const KEPT_CONNECTIONS = 300_000;
/** A handshake takes a file as it was at most a second ago (C:transport/cert_rotation.go CertCallbackRefreshDuration, checked by the caller's cache). */
const HANDSHAKE_CACHE = 1_500;
/** The aggregator makes new transports when the file's watch fires (AG:pkg/apiserver/apiserver.go); 16 to 42 ms were measured for such a watch. */
const AGGREGATOR = 3_000;

export const presents = (proof: Proof, of: string, ctx: LookContext): Promise<Look> =>
  atMembers(proof, of, ctx, (member) => look(proof, member, ctx));

async function look(proof: Proof, member: Member, ctx: LookContext): Promise<Look> {
  const client = known(ctx).instances.get(member.party);
  const [source] = member.use.sources;
  if (!client || !source) return { value: undefined, evidence: 'reroot does not know what it presents' };
  const content = await contentOf(ctx, source.store, 'credential', generationsOf(ctx, proof));
  if (content.value === undefined || content.changedAt === undefined) return content;
  if (!proof.keep.includes(content.value)) return content;
  const gone = await earlierConnectionsGone(ctx, member, client, content.changedAt);
  if (gone.shown) return { value: content.value, evidence: `${content.evidence}; ${gone.words}` };
  return { value: undefined, evidence: `${content.evidence}; ${gone.words}` };
}

interface Gone {
  shown: boolean;
  words: string;
}

async function earlierConnectionsGone(
  ctx: LookContext,
  member: Member,
  client: Instance,
  changedThere: Millis,
): Promise<Gone> {
  const changedAt = ours(ctx, client.node, changedThere);
  const elapsed = ctx.now() - changedAt;
  const own = await ctx.tables.of(client);
  if (own && own.process.startedAt > changedThere) return { shown: true, words: 'the process is younger than that' };
  if (elapsed > KEPT_CONNECTIONS)
    return {
      shown: true,
      words: `that is ${seconds(elapsed)} ago, and client-go closes earlier connections within ${seconds(KEPT_CONNECTIONS)}`,
    };
  if (member.use.reread === 'at-once') {
    const shown = elapsed > AGGREGATOR;
    return {
      shown,
      words: shown
        ? `that is ${seconds(elapsed)} ago, and by the catalogue it is taken up at once`
        : `that is ${elapsed} ms ago`,
    };
  }
  const waiting = await keptByServers(ctx, changedAt + HANDSHAKE_CACHE);
  if (waiting.length === 0)
    return { shown: true, words: 'every kubelet has restarted since, so every connection is a new one' };
  const left = seconds(KEPT_CONNECTIONS - elapsed);
  return {
    shown: false,
    words: `connections to ${some(waiting)} may be older; they go in ${left} at the latest, or when that kubelet restarts`,
  };
}

/**
 * Kubelets that run since before a moment (ours), or that cannot be asked: connections to them may be from before it. It stops at the first few:
 * with thousands of nodes one that is old is answer enough, and the next look comes soon.
 */
async function keptByServers(ctx: LookContext, since: Millis): Promise<string[]> {
  const away = ctx.inventory.nodes.filter(({ reached }) => !reached).map(({ name }) => `node/${name}`);
  if (away.length > 0) return away;
  const kubelets = ctx.inventory.instances.filter(({ component }) => component === 'kubelet');
  for (let first = 0; first < kubelets.length; first += KUBELETS_AT_ONCE) {
    const some = kubelets.slice(first, first + KUBELETS_AT_ONCE);
    const kept = await Promise.all(
      some.map(async (kubelet) => ((await isYounger(ctx, kubelet, since)) ? [] : [kubelet.id])),
    );
    if (kept.flat().length > 0) return kept.flat();
  }
  return [];
}

const KUBELETS_AT_ONCE = 32;

async function isYounger(ctx: LookContext, kubelet: Instance, since: Millis): Promise<boolean> {
  try {
    const running = await ctx.tables.of(kubelet);
    return running !== undefined && ours(ctx, kubelet.node, running.process.startedAt) > since;
  } catch {
    return false;
  }
}
