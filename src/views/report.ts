// The evidence of a rotation as one document: what was turned, how, by which steps, what each restart and proof was, and what is left.

import type { Authority, PartyId, StoreId } from '../core/model/ids.ts';
import type { CertFact } from '../core/model/inventory.ts';
import { MOVES, type Move, type Route, type Waiver } from '../core/model/rotation.ts';
import type { Evidence, RotationRecord, StepRecord } from '../rotate/record-types.ts';
import { withoutKeys } from './redact.ts';

/** Something that must be refused was tried: an old leaf, bare or with a bridge. `refused: false` is a hole. */
export interface NegativeTest {
  at: string;
  /** Who was asked: a party's id. */
  of: string;
  /** What was presented: `old leaf`, `old leaf with the serving bridge`. */
  presented: string;
  refused: boolean;
  /** What the server answered, raw. */
  evidence: string;
}

/** Requests of one kind of client while the rotation ran, where a load was measured beside it. */
export interface Availability {
  client: string;
  requests: number;
  failedBeforeRetire: number;
  failedAfterRetire: number;
}

/** What the record does not hold: certificates as facts (the record has PEM), measurements made around the rotation. */
export interface ReportExtras {
  /** ISO 8601, UTC. */
  writtenAt: string;
  generations: readonly GenerationFacts[];
  negativeTests?: readonly NegativeTest[];
  availability?: readonly Availability[];
}

export interface GenerationFacts {
  authority: Authority;
  old: CertFact;
  new: CertFact;
  bridges: { serving?: CertFact; client?: CertFact; reverse?: CertFact };
}

export interface ReportCertificate {
  subject: string;
  issuer: string;
  fingerprint: string;
  serial: string;
  keyType: string;
  keyId?: string;
  notBefore: string;
  notAfter: string;
}

export interface Report {
  format: 'reroot.report/1';
  writtenAt: string;
  rotation: string;
  server: string;
  state: RotationRecord['state'];
  reached?: Move;
  startedAt: string;
  endedAt?: string;
  /** From the start to the end; to the last entry while the rotation is open. */
  seconds: number;
  options: { newKeys: boolean; compromised: boolean; restart: RotationRecord['restart'] };
  authorities: {
    authority: Authority;
    route: Route;
    because: string;
    old?: ReportCertificate;
    new?: ReportCertificate;
    bridges: { purpose: 'serving' | 'client' | 'reverse'; certificate: ReportCertificate }[];
    /** Stores whose serving leaf was replaced. */
    replaced: StoreId[];
  }[];
  moves: { move: Move; begunAt: string; endedAt?: string; seconds?: number; steps: number }[];
  steps: (StepRecord & { seconds?: number; proofs: number })[];
  restarts: {
    component: string;
    /** The most of any instance. */
    most: number;
    instances: { party: PartyId; count: number; at: { at: string; step: string; wave: number; seconds: number }[] }[];
  }[];
  proofs: Evidence[];
  negativeTests: NegativeTest[];
  waivers: Waiver[];
  left: RotationRecord['left'];
  availability?: Availability[];
}

/** The evidence report as a value. Certificates appear by subject, fingerprint and dates; no key and no PEM is in it. */
export function reportOf(record: RotationRecord, extras: ReportExtras): Report {
  const report: Report = {
    format: 'reroot.report/1',
    writtenAt: extras.writtenAt,
    rotation: record.id,
    server: record.server,
    state: record.state,
    startedAt: record.startedAt,
    seconds: secondsBetween(record.startedAt, record.endedAt ?? lastMoment(record)),
    options: { newKeys: record.newKeys, compromised: record.compromised, restart: record.restart },
    authorities: record.authorities.map((authority) => authorityOf(authority, extras.generations)),
    moves: movesOf(record.steps),
    steps: record.steps.map((step) => stepOf(step, record.evidence)),
    restarts: restartsOf(record),
    proofs: record.evidence,
    negativeTests: [...record.evidence.flatMap(refusalIn), ...(extras.negativeTests ?? [])],
    waivers: record.waivers,
    left: record.left,
  };
  if (record.reached) report.reached = record.reached;
  if (record.endedAt) report.endedAt = record.endedAt;
  if (extras.availability) report.availability = [...extras.availability];
  return report;
}

/**
 * A server that is shown to trust only new was asked as a client from old. Where there was no key of old to ask with, the evidence says so and
 * is no test (src/prove/accepts.ts writes the words).
 */
function refusalIn({ at, of, proof, value, evidence }: Evidence): NegativeTest[] {
  const asked = /client from old (with|by)/.test(evidence);
  if (proof !== 'accepts' || value !== 'new' || !asked) return [];
  return [{ at, of, presented: 'a client certificate from old', refused: true, evidence }];
}

/** The report as one JSON document that ends in a newline. */
export const reportJson = (record: RotationRecord, extras: ReportExtras): string =>
  `${withoutKeys(JSON.stringify(reportOf(record, extras), undefined, 2))}\n`;

const secondsBetween = (from: string, to: string): number => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

const lastMoment = (record: RotationRecord): string =>
  [
    record.startedAt,
    ...record.steps.map((step) => step.endedAt ?? step.begunAt),
    ...record.evidence.map((item) => item.at),
  ]
    .sort()
    .at(-1) ?? record.startedAt;

function authorityOf(
  recorded: RotationRecord['authorities'][number],
  generations: readonly GenerationFacts[],
): Report['authorities'][number] {
  const found = generations.find((candidate) => candidate.authority === recorded.authority);
  const bridges = (['serving', 'client', 'reverse'] as const).flatMap((purpose) => {
    const certificate = found?.bridges[purpose];
    return certificate ? [{ purpose, certificate: certificateOf(certificate) }] : [];
  });
  return {
    authority: recorded.authority,
    route: recorded.route,
    because: recorded.because,
    ...(found ? { old: certificateOf(found.old), new: certificateOf(found.new) } : {}),
    bridges,
    replaced: Object.keys(recorded.replaced),
  };
}

function certificateOf(fact: CertFact): ReportCertificate {
  const certificate: ReportCertificate = {
    subject: fact.subject,
    issuer: fact.issuer,
    fingerprint: fact.fingerprint,
    serial: fact.serial,
    keyType: fact.keyType,
    notBefore: new Date(fact.notBefore).toISOString(),
    notAfter: new Date(fact.notAfter).toISOString(),
  };
  return fact.keyId === undefined ? certificate : { ...certificate, keyId: fact.keyId };
}

function movesOf(steps: readonly StepRecord[]): Report['moves'] {
  return [...MOVES, 'rollback' as const].flatMap((move) => {
    const own = steps.filter((step) => step.move === move);
    const begunAt = own.map((step) => step.begunAt).sort()[0];
    if (begunAt === undefined) return [];
    const endedAt = own
      .map((step) => step.endedAt ?? '')
      .sort()
      .at(-1);
    const base = { move, begunAt, steps: own.length };
    return [endedAt ? { ...base, endedAt, seconds: secondsBetween(begunAt, endedAt) } : base];
  });
}

function stepOf(step: StepRecord, evidence: readonly Evidence[]): Report['steps'][number] {
  const proofs = evidence.filter((item) => item.step === step.id).length;
  return step.endedAt ? { ...step, seconds: secondsBetween(step.begunAt, step.endedAt), proofs } : { ...step, proofs };
}

function restartsOf(record: RotationRecord): Report['restarts'] {
  const components = new Map<string, Map<PartyId, Report['restarts'][number]['instances'][number]>>();
  for (const { party, at, step, wave, seconds } of record.restarts) {
    const component = party.startsWith('pod/') ? 'pods' : (party.split('/')[1] ?? party);
    const instances = components.get(component) ?? new Map();
    components.set(component, instances);
    const instance = instances.get(party) ?? { party, count: 0, at: [] };
    instances.set(party, { party, count: instance.count + 1, at: [...instance.at, { at, step, wave, seconds }] });
  }
  return [...components]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([component, instances]) => {
      const list = [...instances.values()].sort((a, b) => a.party.localeCompare(b.party));
      return { component, most: Math.max(...list.map((instance) => instance.count)), instances: list };
    });
}
