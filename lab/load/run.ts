// One load from its first object to its summary.

import { type Api, createApi } from './api.ts';
import type { Backend } from './backend.ts';
import { type Baseline, judgeBaseline } from './baseline.ts';
import { startClients } from './clients/start.ts';
import type { WatchStory } from './clients/watch.ts';
import type { Control, Mark } from './control.ts';
import type { ClientKind } from './kinds.ts';
import type { LabTarget } from './lab-target.ts';
import { createLedger } from './ledger.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import type { LoadSummary, Result } from './summary.ts';
import { createTally, type Tally } from './tally.ts';

export interface LoadOptions {
  /** After the baseline. */
  seconds: number;
  baseline: number;
  /** Requests a second of each client kind. */
  rate: number;
  clients: ClientKind[];
}

export interface Surroundings {
  lab: LabTarget;
  /** The part of the lab that its clients live in. */
  backend: (api: Api) => Backend;
  control: Pick<Control, 'stopped'>;
  /** Filled from outside while the load runs. */
  marks: Mark[];
  /** One JSON line each: a second's counts, or an event. */
  say: (line: object) => void;
}

/** Makes the workloads, runs the baseline and the load, stops the clients. Leaves the workloads in place. */
export async function runLoad(
  options: LoadOptions,
  { lab, backend: inside, control, marks, say }: Surroundings,
): Promise<LoadSummary> {
  const { seconds, rate, clients: kinds } = options;
  const api = createApi(lab.kubeconfig);
  const backend = inside(api);
  const tally = createTally(kinds);
  const recorder = createRecorder(tally);
  const ledger = createLedger();
  const story: WatchStory = { events: 0, missed: 0, repeated: 0, reconnects: 0 };
  const run = Date.now().toString(36);
  const waitingMs = () => ({
    watch: ledger.oldestWaitMs(Date.now()),
    ...recorder.waitingMs(),
    ...backend.waitingMs(),
  });
  let everySecond: NodeJS.Timeout | undefined;
  try {
    await backend.prepare(kinds, rate);
    const from = Date.now();
    const cpuBefore = process.cpuUsage();
    const clients = await startClients(kinds, story, { lab, rate, run, api, recorder, tally, ledger }, backend);
    const line = () => say({ t: Date.now(), ...tally.second() });
    everySecond = setInterval(line, 1_000);
    const baseline = await runBaseline(options, { tally, waitingMs, control });
    if (baseline?.clean) {
      say({ event: 'baseline-clean', t: Date.now() });
      await pause(seconds, control.stopped);
    }
    await clients.stop();
    line();
    const result = resultOf(baseline, control.stopped.aborted);
    const counted = tally.summary();
    const { kept: failures, omitted: failuresOmitted } = tally.failures();
    const total = (what: 'requests' | 'failed') => Object.values(counted).reduce((sum, kind) => sum + kind[what], 0);
    return {
      event: 'summary',
      result,
      lab: lab.name,
      from,
      to: Date.now(),
      rate,
      requests: total('requests'),
      failed: total('failed'),
      cpu: partOfCore(process.cpuUsage(cpuBefore), Date.now() - from),
      ...(baseline === undefined ? {} : { baseline }),
      clients: counted,
      failures,
      failuresOmitted,
      marks,
      ...(kinds.includes('watch') ? { watch: story } : {}),
      pods: backend.lives(),
    };
  } finally {
    clearInterval(everySecond);
    backend.stop();
    api.close();
  }
}

interface BaselineWorld {
  tally: Tally;
  waitingMs: Recorder['waitingMs'];
  control: Pick<Control, 'stopped'>;
}

/** Undefined when the load was stopped before the baseline's end. */
async function runBaseline(
  { baseline: seconds }: LoadOptions,
  { tally, waitingMs, control }: BaselineWorld,
): Promise<Baseline | undefined> {
  await pause(seconds, control.stopped);
  if (control.stopped.aborted) return undefined;
  return judgeBaseline({ seconds, clients: tally.summary(), failures: tally.failures().kept, waitingMs: waitingMs() });
}

function resultOf(baseline: Baseline | undefined, stopped: boolean): Result {
  if (baseline === undefined) return 'stopped in the baseline';
  if (!baseline.clean) return 'machine too busy';
  return stopped ? 'stopped' : 'done';
}

const partOfCore = ({ user, system }: NodeJS.CpuUsage, wallMs: number): number =>
  Math.round((user + system) / 10 / Math.max(1, wallMs)) / 100;

/** Ends after the seconds or at the signal, whichever is first. */
function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(end, seconds * 1_000);
    signal.addEventListener('abort', end, { once: true });
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
  });
}
