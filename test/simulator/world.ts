// One concrete cluster that lives by itself: processes re-read, crash and come back, leaders change, nodes join, certificates are on
// their way. It holds contents, not beliefs, and shares no code with the checker. After every event the channels it touched are tried.

import type { PartyId } from '../../src/core/model/ids.ts';
import type { Actor } from '../../src/core/model/step.ts';
import type { Blueprint, Instance, Pipe, Read } from './blueprint.ts';
import { type Content, type Generation, leafContent, type Verify } from './material.ts';
import type { Random } from './random.ts';

export interface World {
  readonly plan: Blueprint;
  readonly random: Random;
  readonly verify: Verify;
  readonly stores: (Content | undefined)[];
  readonly queues: Map<number, Content[]>;
  readonly memory: (Content | undefined)[];
  leader: number;
  readonly actors: Set<Actor>;
  readonly waived: Set<PartyId>;
  readonly startedAt: Map<PartyId, number>;
  clock: number;
  /** The first thing that went wrong. */
  broken: string | undefined;
}

export function newWorld(plan: Blueprint, verify: Verify, random: Random): World {
  const stores = plan.members.map((member) => (member.first.length ? random.pick(member.first) : undefined));
  const w: World = {
    plan,
    random,
    verify,
    stores,
    queues: new Map(),
    memory: plan.instances.map((i) => (i.first.length ? random.pick(i.first) : undefined)),
    leader: random.below(Math.max(plan.candidates.length, 1)),
    actors: new Set(plan.actors),
    waived: new Set(),
    startedAt: new Map(),
    clock: 0,
    broken: undefined,
  };
  for (const queue of plan.queues) {
    const first = stores[queue];
    w.queues.set(queue, first && random.chance(0.5) ? [first] : []);
    stores[queue] = undefined;
  }
  for (const [i] of plan.instances.entries()) if (!w.memory[i]) load(w, i, 'start');
  return w;
}

function breakDown(w: World, why: string): void {
  w.broken ??= why;
}

// ---- memory ----

/** Files and what they are to the process that reads them. */
function asRead(instance: Instance, content: Content): Content | undefined {
  if (content.kind === instance.holds) return content;
  // Kubeadm's ca.crt as the signer's certificate file: the key beside it is the old one.
  if (instance.holds === 'signer' && content.kind === 'trust') {
    return { kind: 'signer', certs: content.anchors, key: content.anchors.length === 0 ? undefined : 'old' };
  }
  return undefined;
}

function readable(w: World, instance: Instance): readonly Read[] {
  const reads = instance.electedFrom ? instance.reads[w.leader] : instance.reads[0];
  return (reads ?? []).filter(({ flags, is }) => {
    if (flags < 0) return true;
    const held = w.memory[flags];
    return held?.kind === 'flags' && held.is === is;
  });
}

/** A process takes what its source holds now: at its start, or later by itself. */
export function load(w: World, i: number, when: 'start' | 'later'): void {
  const instance = w.plan.instances[i]!;
  const reads = readable(w, instance);
  if (reads.length === 0) return;
  const read = w.random.pick(reads);
  const content = w.stores[read.member];
  const taken = content && asRead(instance, content);
  if (!taken) return;
  const fault = faultOf(read, taken);
  if (fault && when === 'start') breakDown(w, `${partyName(w, instance)} cannot start: ${fault}`);
  // A pair that does not load leaves the one in memory; a bundle loads and fails when it is signed with.
  if (fault && !(taken.kind === 'signer' && taken.certs.length > 1)) return;
  w.memory[i] = taken;
  tryChannels(w, i);
}

const partyName = (w: World, instance: Instance): PartyId => instance.electedFrom?.[w.leader] ?? instance.party;

function faultOf(read: Read, content: Content): string | undefined {
  if (content.kind === 'signer') {
    if (content.certs.length === 0) return 'its signing certificate is not there';
    if (content.certs.length > 1) return 'its signing file holds several certificates';
    if (content.certs[0] !== content.key) return 'its signing certificate and key do not match';
  }
  // Files that only the split flags name are made by reroot: before, they are not there.
  const ours = read.flags >= 0 && read.is === 'split';
  return ours && content.kind === 'trust' && content.anchors.length === 0 ? 'its root CA is not there' : undefined;
}

/** A process starts anew: flags first, then the rest; kept connections are gone. */
export function start(w: World, party: PartyId): void {
  w.startedAt.set(party, ++w.clock);
  for (const i of w.plan.startedBy.get(party) ?? []) {
    if (w.plan.instances[i]!.reads[0]!.length === 0) w.memory[i] = undefined;
    else load(w, i, 'start');
  }
  if (w.plan.candidates[w.leader] === party) elect(w, w.random.below(w.plan.candidates.length));
}

export function elect(w: World, candidate: number): void {
  w.leader = candidate;
  for (const i of w.plan.elected) load(w, i, 'start');
}

// ---- channels ----

export function tryChannels(w: World, i: number): void {
  for (const c of w.plan.channelsOf[i]!) {
    const channel = w.plan.channels[c]!;
    const trust = w.memory[channel.verifier];
    const shown = w.memory[channel.presenter];
    if (trust?.kind !== 'trust' || shown?.kind !== 'credential') continue;
    if (w.verify(trust.anchors, shown.chain, channel.usage)) continue;
    const verifier = w.plan.instances[channel.verifier]!.party;
    const presenter = w.plan.instances[channel.presenter]!.party;
    if (w.waived.has(verifier) || w.waived.has(presenter)) continue;
    const anchors = trust.anchors.join(' and ') || 'nothing';
    breakDown(w, `${channel.name}: ${verifier} trusts ${anchors}, ${presenter} shows ${shown.chain.join(', ')}`);
  }
}

// ---- flows ----

const QUEUE_ROOM = 6;

export function run(w: World, pipe: Pipe): void {
  if (pipe.actor && !w.actors.has(pipe.actor)) return;
  const sources = pipe.fromMembers.length + pipe.fromInstances.length;
  const targets = pipe.toMembers.length + pipe.toInstances.length;
  const to = w.random.below(targets);
  const from = pipe.paired ? to : w.random.below(sources);
  const member = pipe.fromMembers[from];
  const taken =
    member === undefined ? w.memory[pipe.fromInstances[from - pipe.fromMembers.length]!] : takenFrom(w, member);
  if (!taken) return;
  const toMember = pipe.toMembers[to];
  const own = toMember === undefined ? undefined : w.stores[toMember];
  const made = make(w, pipe, taken, own);
  if (!made) return;
  if (toMember === undefined) {
    const instance = pipe.toInstances[to - pipe.toMembers.length]!;
    w.memory[instance] = made;
    tryChannels(w, instance);
    return;
  }
  const queue = w.queues.get(toMember);
  if (!queue) w.stores[toMember] = made;
  else if (queue.length < QUEUE_ROOM) queue.push(made);
}

function takenFrom(w: World, member: number): Content | undefined {
  const queue = w.queues.get(member);
  if (!queue) return w.stores[member];
  if (queue.length === 0) return undefined;
  const at = w.random.below(queue.length);
  return queue.splice(at, 1)[0];
}

function make(w: World, pipe: Pipe, taken: Content, own: Content | undefined): Content | undefined {
  switch (pipe.how) {
    case 'copy':
      if (taken.kind !== 'signer') return taken;
      // A CA that is not there is copied by nobody: kubeadm then takes it for an external one.
      return taken.certs.length === 0 ? undefined : { kind: 'trust', anchors: taken.certs.slice(0, 1) };
    case 'signs':
      return signed(w, pipe, taken);
    case 'union': {
      if (taken.kind !== 'trust') return undefined;
      const before: readonly Generation[] = own?.kind === 'trust' ? own.anchors : [];
      return { kind: 'trust', anchors: [...before, ...taken.anchors.filter((one) => !before.includes(one))] };
    }
  }
}

function signed(w: World, pipe: Pipe, signer: Content): Content | undefined {
  if (signer.kind !== 'signer') return undefined;
  const [cert, ...more] = signer.certs;
  if (cert !== undefined && more.length === 0 && cert === signer.key) return leafContent(cert);
  // kubeadm gives up; the controller manager fails every request for a certificate.
  if (pipe.fromInstances.length > 0) breakDown(w, `${pipe.id}: the signer cannot sign with what it holds`);
  return undefined;
}

// ---- chance ----

const READ_AT_START: ReadonlySet<string> = new Set(['restart', 'leadership']);

/** One thing that happens by itself. */
export function happen(w: World): void {
  const { plan, random: r } = w;
  const dice = r.next();
  if (dice < 0.5) {
    const i = r.below(plan.instances.length);
    if (!READ_AT_START.has(plan.instances[i]!.reread)) load(w, i, 'later');
  } else if (dice < 0.82) {
    const pipe = r.pick(plan.pipes);
    // Somebody runs kubeadm now and then; the rest never stops.
    if (pipe.actor !== 'kubeadm' || r.chance(0.1)) run(w, pipe);
  } else if (dice < 0.94) start(w, r.pick([...plan.startedBy.keys()]));
  else if (plan.candidates.length > 0) elect(w, r.below(plan.candidates.length));
}
