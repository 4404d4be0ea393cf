// A wait ends by a proof or by a time-out that names who was not proved. Never a bare sleep.

import { setTimeout as pause } from 'node:timers/promises';
import { some } from '../core/model/some.ts';
import type { Proof, ProofKind } from '../core/model/step.ts';
import type { Value } from '../core/model/value.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { ProbeContext } from '../prove/context.ts';
import { type Observation, prove } from '../prove/prove.ts';
import type { Emit } from './events.ts';

/** Milliseconds until a proof that does not come is given up. From the measured times, with room (docs/waits.md). */
const LIMITS: Record<ProofKind, number> = {
  holds: 20_000,
  // Each Pod behind a webhook gets a new Secret in its kubelet's own time.
  serves: 180_000,
  accepts: 90_000,
  restarted: 120_000,
  signs: 60_000,
  published: 180_000,
  // A pod that was not restarted counts once its file has been as it is for longer than any client's re-read takes, five minutes. A fresh
  // token has the kubelet write the volume anew (K:pkg/volume/util/atomic_writer.go): then they begin anew, once.
  loaded: 720_000,
  // Kept connections take the new certificate up by client-go's timer after 235 to 288 s (trap 25).
  presents: 420_000,
  // That a union holds both: API servers publish what they read within a minute. That it holds one alone is watched (shrink-union.ts).
  settled: 180_000,
};

export interface Missing {
  proof: Proof;
  of: string;
  value: Value | undefined;
  evidence: string;
}

export interface WaitOptions {
  step: string;
  emit: Emit;
  now: () => number;
  signal: AbortSignal;
  /** Called once for each thing shown. */
  onShown: (proof: Proof, observation: Observation) => void;
}

/** Looks until every proof is shown. Looks again only at what is missing, sooner at first (50 ms) than later (1 s). */
export async function proveAll(proofs: readonly Proof[], probe: ProbeContext, options: WaitOptions): Promise<void> {
  for (const proof of proofs) await proveOne(proof, probe, options);
}

async function proveOne(proof: Proof, probe: ProbeContext, options: WaitOptions): Promise<void> {
  const begun = options.now();
  let open: Proof = proof;
  let lastTold = begun;
  for (let look = 0; ; look += 1) {
    const { missing, shown } = split(open, await prove(open, probe));
    for (const observation of shown) options.onShown(proof, observation);
    if (missing.length === 0) return;
    const waited = options.now() - begun;
    if (waited > LIMITS[proof.kind]) throw notProved(missing, waited);
    if (options.signal.aborted) throw interrupted(missing);
    if (options.now() - lastTold >= 1000) {
      lastTold = options.now();
      tellWait(missing, waited, options);
    }
    open = { ...proof, of: missing.map((item) => item.of) };
    await pause(Math.min(1000, 50 * 1.5 ** Math.min(look, 8)));
  }
}

function split(proof: Proof, observations: readonly Observation[]): { missing: Missing[]; shown: Observation[] } {
  const byName = new Map(observations.map((observation) => [observation.of, observation]));
  const missing: Missing[] = [];
  const shown: Observation[] = [];
  for (const of of proof.of) {
    const observation = byName.get(of);
    if (observation?.value !== undefined && proof.keep.includes(observation.value)) shown.push(observation);
    else
      missing.push({ proof, of, value: observation?.value, evidence: observation?.evidence ?? 'nothing was measured' });
  }
  return { missing, shown };
}

const lines = (missing: readonly Missing[]): string =>
  some(
    missing.map((item) => `${item.of}: ${item.evidence}`),
    5,
    'semicolon',
  );

function tellWait(missing: readonly Missing[], waited: number, options: WaitOptions): void {
  const [first] = missing;
  const data = {
    seconds: Math.round(waited / 100) / 10,
    missing: missing.map((item) => item.of),
    proof: first?.proof.kind,
  };
  const message = `waits ${Math.round(waited / 1000)} s for ${first?.proof.kind} of ${lines(missing)}`;
  options.emit({ type: 'wait', step: options.step, message, data });
}

const notProved = (missing: readonly Missing[], waited: number): RerootError =>
  new RerootError(EXIT.blocked, `not proved after ${Math.round(waited / 1000)} s: ${lines(missing)}`, {
    hints: [
      'nothing is lost: run the same command again to go on from here',
      'reroot status shows where the rotation stands and who blocks it',
    ],
  });

const interrupted = (missing: readonly Missing[]): RerootError =>
  new RerootError(EXIT.interrupted, `interrupted while waiting for ${lines(missing)}`, {
    hints: ['run the same command again to go on from here'],
  });
