// loaded: what a party that nobody can restart or ask has taken up: pods, API servers that call webhooks, programs on a timer, nodes that join.

import { goesBack, historyOf } from '../core/catalog/memory.ts';
import { START_LAG } from '../core/catalog/pods.ts';
import { JOINING } from '../core/catalog/published.ts';
import { isTakenUp, LONGEST_REREAD } from '../core/catalog/untouched.ts';
import { objectId, parseFileId } from '../core/model/ids.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import type { Proof } from '../core/model/step.ts';
import type { Holds, Trust } from '../core/model/value.ts';
import { clock, describeAnchors, trustIn } from './chain.ts';
import { type Content, contentOf } from './content.ts';
import type { Look, LookContext } from './context.ts';
import { joining } from './in-flight.ts';
import type { PodNow, PodsNow } from './pods-now.ts';
import { KEPT_CONNECTIONS } from './presents.ts';
import { atMembers, generationsOf, known, type Member } from './resolve.ts';
import { signs } from './signs.ts';
import { nowAt, ours, seconds, serverClock } from './times.ts';
import { untouched } from './untouched.ts';

/** Informers of API servers have an object's change within moments (A:pkg/util/webhook/client.go, AG:pkg/apiserver/handler_proxy.go). */
const INFORMER = 3_000;

export async function loaded(proof: Proof, of: string, ctx: LookContext, pods: PodsNow): Promise<Look> {
  if (of.startsWith(`${JOINING}:`)) return ofJoining(proof, of, ctx);
  return atMembers(proof, of, ctx, (member) => look(proof, member, ctx, pods));
}

function look(proof: Proof, member: Member, ctx: LookContext, pods: PodsNow): Promise<Look> {
  const { instances, callees } = known(ctx);
  if (member.party.startsWith('pod/')) return ofPod(proof, member, ctx, pods);
  if (callees.has(member.party)) return ofCallee(proof, member, ctx);
  if (instances.has(member.party)) return ofInstance(proof, member, ctx);
  return ofFile(proof, member, ctx);
}

// ---- pods ----

async function ofPod(proof: Proof, member: Member, ctx: LookContext, pods: PodsNow): Promise<Look> {
  const now = pods.get(member.party);
  if (!now) return { value: proof.keep[0], evidence: 'the pod is gone' };
  if (member.name !== 'root-ca') return ofMountedKubeconfig(proof, member, ctx, now);
  const authority = generationsOf(ctx, proof);
  const { pod, holds } = now;
  const published = await contentOf(
    ctx,
    objectId('ConfigMap', pod.namespace, 'kube-root-ca.crt', 'ca.crt'),
    'trust',
    authority,
  );
  if (published.value === undefined || published.changedAt === undefined) return published;
  const startedAt = ours(ctx, pod.node, pod.startedAt);
  const started = `it started ${clock(startedAt)}, kube-root-ca.crt changed last ${clock(published.changedAt)}`;
  if (startedAt > published.changedAt + START_LAG) return { value: published.value, evidence: started };
  if (pod.rereads === true && pod.rootCA === 'projected') return ofRereading(ctx, now, authority);
  if (member.use.untouched && holds && now.changedAt !== undefined) {
    const file = { value: trustIn(ctx, holds, authority), changedAt: now.changedAt };
    return untouched(proof, ctx, now, file, `its projected ca.crt holds ${describeAnchors(holds)}`);
  }
  return { value: earlier(proof), evidence: `${started}: it may hold what was there before` };
}

/** client-go re-reads its CA file every five minutes (C:transport/ca_rotation.go): before that it may still hold what was there before. */
function ofRereading(ctx: LookContext, { pod, holds, changedAt, why }: PodNow, authority: AuthorityRotation): Look {
  if (!holds || changedAt === undefined) return { value: undefined, evidence: why ?? 'its volume was not seen' };
  const age = { changedAt, now: nowAt(ctx, pod.node) };
  const held = `its projected ca.crt holds ${describeAnchors(holds)} for ${seconds(age.now - changedAt)}`;
  const claim = 'its author says that it re-reads it (a claim, not measured)';
  if (isTakenUp(age)) return { value: trustIn(ctx, holds, authority), evidence: `${held}, and ${claim}` };
  return { value: undefined, evidence: `${held} of ${seconds(LONGEST_REREAD)} that a re-read may take; ${claim}` };
}

/** A value that the party may hold and that is not asked for. */
const earlier = (proof: Proof): Trust | undefined =>
  (['old', 'both', 'new'] as const).find((value) => !proof.keep.includes(value));

/** A kubeconfig of the node that a pod has mounted was read at its start (trap 14). */
async function ofMountedKubeconfig(proof: Proof, member: Member, ctx: LookContext, now: PodNow): Promise<Look> {
  const content = await contentOfUse(proof, member, ctx);
  const { startedAt } = now.pod;
  if (content.value === undefined || (content.changedAt ?? Number.POSITIVE_INFINITY) < startedAt) return content;
  if (member.use.untouched && content.changedAt !== undefined) {
    return untouched(proof, ctx, now, { value: content.value, changedAt: content.changedAt }, content.evidence);
  }
  return { value: undefined, evidence: `${content.evidence}, and the pod started before that, ${clock(startedAt)}` };
}

// ---- the others ----

async function contentOfUse(proof: Proof, { use }: Member, ctx: LookContext): Promise<Content> {
  const [source] = use.sources;
  if (!source) return { value: undefined, evidence: 'reroot does not know what it reads' };
  return contentOf(ctx, source.store, use.holds, generationsOf(ctx, proof));
}

async function ofCallee(proof: Proof, member: Member, ctx: LookContext): Promise<Look> {
  const content = await contentOfUse(proof, member, ctx);
  if (content.value === undefined) return content;
  const age = (await serverClock(ctx.cluster)) - (content.changedAt ?? 0);
  if (age < INFORMER) return { value: undefined, evidence: `${content.evidence}, changed ${age} ms ago` };
  return { value: content.value, evidence: `${content.evidence}; API servers take it up at once by the catalogue` };
}

/** What is read at the start is shown by the start; a client that re-reads a file on a timer gives no sign of it: its time passes, or it restarts. */
async function ofInstance(proof: Proof, member: Member, ctx: LookContext): Promise<Look> {
  const instance = known(ctx).instances.get(member.party);
  const content = await contentOfUse(proof, member, ctx);
  if (!instance || content.value === undefined || content.changedAt === undefined) return content;
  if (!proof.keep.includes(content.value)) return content;
  // A kubelet that has joined wrote its first certificate itself, after its start.
  const held = historyOf(member.use.holds, content.value, generationsOf(ctx, proof), goesBack(ctx.rotation));
  if (held.length === 1)
    return { ...content, evidence: `${content.evidence}, and this rotation has put nothing else there yet` };
  const running = await ctx.tables.of(instance);
  if (!running) return { value: undefined, evidence: `${content.evidence}; the process does not run` };
  if (running.process.startedAt > content.changedAt)
    return { ...content, evidence: `${content.evidence}; the process is younger than that` };
  const age = ctx.now() - ours(ctx, instance.node, content.changedAt);
  const timed = member.use.reread === 'five-minutes';
  if (timed && age > KEPT_CONNECTIONS)
    return { ...content, evidence: `${content.evidence}, changed ${seconds(age)} ago: client-go's timer has passed` };
  const wait = timed
    ? `changed ${seconds(age)} of ${seconds(KEPT_CONNECTIONS)} ago`
    : `changed ${clock(content.changedAt)}`;
  return {
    value: undefined,
    evidence: `${content.evidence}, ${wait}, and the process is older (${clock(running.process.startedAt)})`,
  };
}

/** A kubeconfig of people or of kubeadm: whoever uses it reads it when it starts, so its content is what counts. */
async function ofFile(proof: Proof, member: Member, ctx: LookContext): Promise<Look> {
  if (member.use.sources.length > 0) return contentOfUse(proof, member, ctx);
  const id = storeOfPerson(member, ctx);
  if (id === undefined)
    return { value: undefined, evidence: 'nothing on this machine or in the cluster shows what it holds' };
  return contentOf(ctx, id, member.use.holds, generationsOf(ctx, proof));
}

function storeOfPerson({ party, name, use }: Member, ctx: LookContext): string | undefined {
  const { stores } = known(ctx);
  const isFile = parseFileId(party) !== undefined;
  const part = isFile && stores.has(`${party}#${name}`) ? `${party}#${name}` : party;
  if (stores.has(part)) return part;
  const holds: Holds = use.holds;
  return ctx.inventory.stores.find(
    ({ id, kind }) => id.startsWith(`${party}#`) && kind === (holds === 'trust' ? 'object-bundle' : 'object-leaf'),
  )?.id;
}

/** A node that joins takes its trust from cluster-info and its certificate from the signer; one that is half-way has what was there before. */
async function ofJoining(proof: Proof, of: string, ctx: LookContext): Promise<Look> {
  const open = await joining(ctx);
  if (open.length > 0) return { value: undefined, evidence: `a node joins just now (${open.join(', ')})` };
  const authority = generationsOf(ctx, proof);
  if (of.endsWith(':client')) {
    const { value, evidence } = await signs(proof, ctx);
    return { value, evidence: `no node joins now; ${evidence}` };
  }
  const info = ctx.inventory.stores.find(({ id }) => id.startsWith('object/ConfigMap/kube-public/cluster-info#'));
  if (!info) return { value: proof.keep[0], evidence: 'there is no cluster-info: no node can join by it' };
  const content = await contentOf(ctx, info.id, 'trust', authority);
  return { ...content, evidence: `no node joins now; ${content.evidence}` };
}
