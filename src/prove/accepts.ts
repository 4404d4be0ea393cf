// accepts: which generations' clients a server lets in. 401 means that it does not know the certificate's CA; any other answer that it does
// (A:pkg/authentication/request/x509/x509.go verifies for each request; a client certificate that does not verify is an error, not anonymous).

import { type Dial, httpsProbe } from '../cluster/wire.ts';
import { parseFileId } from '../core/model/ids.ts';
import type { Instance } from '../core/model/inventory.ts';
import type { Proof } from '../core/model/step.ts';
import type { Trust } from '../core/model/value.ts';
import { keyToPem } from '../pki/pem.ts';
import { contentOf } from './content.ts';
import type { Look, LookContext, ProbeIdentity } from './context.ts';
import { atEach, type Endpoint } from './endpoint.ts';
import { atMembers, generationsOf, known, type Member } from './resolve.ts';
import { ours, seconds, serverClock } from './times.ts';

const PATIENCE = 5_000;
/** A minute between two reads of a client CA file, and room for the read itself. Milliseconds. */
const REREAD = 70_000;

export const accepts = (proof: Proof, of: string, ctx: LookContext): Promise<Look> =>
  atMembers(proof, of, ctx, (member) =>
    atEach(
      proof,
      member,
      ctx,
      (endpoint) => look(proof, member, ctx, endpoint),
      () => byCatalogue(proof, member, ctx),
    ),
  );

async function look(proof: Proof, member: Member, ctx: LookContext, endpoint: Endpoint): Promise<Look> {
  const asks = (['old', 'new'] as const).map((generation) =>
    ask(endpoint, member, ctx.identity(proof.authority, generation), proof, ctx.dial),
  );
  const [old, fresh] = await Promise.all(asks);
  if (!old || !fresh) throw new Error('unreachable');
  const own = known(ctx).instances.get(member.party);
  if (old.away && fresh.away && own && listensLocally(own)) {
    const claimed = await byCatalogue(proof, member, ctx);
    return { ...claimed, evidence: `${endpoint.host}:${endpoint.port} answered ${fresh.words}; ${claimed.evidence}` };
  }
  const evidence = `${endpoint.host}:${endpoint.port} answered a client from old ${old.words}, one from new ${fresh.words}`;
  const value = trustFrom(old.accepted, fresh.accepted, proof);
  if (value !== undefined || fresh.accepted === undefined || ctx.identity(proof.authority, 'old'))
    return { value, evidence };
  const read = fresh.accepted ? await byReread(proof, member, ctx) : await withoutNew(proof, member, ctx);
  return { value: read.value, evidence: `${evidence}; ${read.evidence}` };
}

/**
 * Without the old CA's key no client from old can be made to ask with. A server that answers one from new has read a file that holds new; which
 * one is told by the file, once the server must have read it: client CA files are read again once a minute at the latest
 * (A:pkg/server/dynamiccertificates/dynamic_cafile_content.go). On the way forth, holding both comes before new alone, so it is known at once.
 */
async function byReread(proof: Proof, { use }: Member, ctx: LookContext): Promise<Look> {
  const source = onlySource(use);
  if (!source) return SEVERAL;
  const content = await contentOf(ctx, source.store, 'trust', generationsOf(ctx, proof));
  if (content.value !== 'both' && content.value !== 'new') return { value: undefined, evidence: content.evidence };
  if (content.value === 'both' && !ctx.rotation.rollback) return content;
  const file = parseFileId(source.store);
  const age =
    content.changedAt === undefined
      ? 0
      : file
        ? ctx.now() - ours(ctx, file.node, content.changedAt)
        : (await serverClock(ctx.cluster)) - content.changedAt;
  if (age < REREAD)
    return { value: undefined, evidence: `${content.evidence}, for ${seconds(age)} of ${seconds(REREAD)}` };
  return { value: content.value, evidence: `${content.evidence}, for ${seconds(age)}` };
}

const SEVERAL: Look = { value: undefined, evidence: 'it reads from several places' };
const onlySource = ({ sources }: Member['use']) => (sources.length === 1 ? sources[0] : undefined);

/** One that refuses a client from new has read a file without new. The file never held neither, so where it holds old now, old is what was read. */
async function withoutNew(proof: Proof, { use }: Member, ctx: LookContext): Promise<Look> {
  const source = onlySource(use);
  if (!source) return SEVERAL;
  const content = await contentOf(ctx, source.store, 'trust', generationsOf(ctx, proof));
  return { value: content.value === 'old' ? 'old' : undefined, evidence: content.evidence };
}

interface Answer {
  accepted: boolean | undefined;
  words: string;
  /** No connection came about. */
  away?: true;
}

async function ask(
  endpoint: Endpoint,
  member: Member,
  identity: ProbeIdentity | undefined,
  proof: Proof,
  dial: Dial | undefined,
): Promise<Answer> {
  if (!identity) return { accepted: undefined, words: 'not at all (no key of that CA to make one)' };
  const answer = await httpsProbe({
    ...endpoint,
    path: pathFor(member),
    cert: identity.certificate.pem,
    key: keyToPem(identity.key),
    headers: proof.authority === 'front-proxy' ? { 'x-remote-user': 'reroot-probe' } : {},
    timeout: PATIENCE,
    ...(dial ? { dial } : {}),
  });
  switch (answer.kind) {
    case 'status':
      // Trouble of its own (a hook that is not ready, too many requests) says nothing about the certificate.
      if (answer.status === 429 || answer.status >= 500) return { accepted: undefined, words: `with ${answer.status}` };
      return { accepted: answer.status !== 401, words: `with ${answer.status}` };
    case 'tls':
      // A server that verifies in the handshake (etcd, programs of others) refuses by an alert.
      return { accepted: false, words: `by ending the handshake (${answer.code || answer.message})` };
    case 'unreachable':
      return { accepted: undefined, words: `not at all (${answer.message})`, away: true };
  }
}

/** A path that needs authentication and nothing else. */
function pathFor({ party }: Member): string {
  if (party.endsWith('/kubelet')) return '/pods';
  if (party.startsWith('apiservice/')) return '/apis';
  return /\/kube-(controller-manager|scheduler)$/.test(party) ? '/healthz' : '/version';
}

/** Undefined where one of the two answers is missing and the proof hangs on it. */
function trustFrom(old: boolean | undefined, fresh: boolean | undefined, proof: Proof): Trust | undefined {
  const possible = (['old', 'new', 'both', 'none'] as const).filter(
    (trust) =>
      (old === undefined || old === (trust === 'old' || trust === 'both')) &&
      (fresh === undefined || fresh === (trust === 'new' || trust === 'both')),
  );
  if (possible.length === 1) return possible[0];
  const allGood = possible.every((trust) => proof.keep.includes(trust));
  return allGood ? possible[0] : undefined;
}

/**
 * kubeadm lets the controller manager and the scheduler listen on 127.0.0.1, where only their own node can ask them, and nobody with a client certificate
 * does. Their CA file is re-read at once by the catalogue; that claim and the file's content are the evidence then.
 */
async function byCatalogue(proof: Proof, { party, use }: Member, ctx: LookContext): Promise<Look> {
  const instance = known(ctx).instances.get(party);
  const [source] = use.sources;
  if (!instance || !listensLocally(instance) || !source || use.reread !== 'at-once') {
    return { value: undefined, evidence: 'where it serves cannot be reached from here' };
  }
  const content = await contentOf(ctx, source.store, 'trust', generationsOf(ctx, proof));
  return {
    value: content.value,
    evidence: `it listens on its own node only; by the catalogue it re-reads at once ${content.evidence}`,
  };
}

const listensLocally = ({ component, endpoint }: Instance): boolean =>
  /^kube-(controller-manager|scheduler)$/.test(component) &&
  (endpoint === undefined || /^(127\.0\.0\.1|\[::1\]|localhost):/.test(endpoint));
