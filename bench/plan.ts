// How long a plan of a large cluster takes, and how that grows: 5,000 nodes, 150,000 pods, 2,000 namespaces against a tenth of the nodes
// and pods. The plan contains the check of each of its writes. Each size has a process of its own, as in a command, so that memory is
// that of one plan. Ends with one JSON line.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plan } from '../src/core/plan/plan.ts';
import { preconditions } from '../src/core/plan/preconditions.ts';
import { syntheticInventory, syntheticRotation, T0 } from './inventory.ts';

/** Time at 5,000 nodes over time at 500, at most. */
const GOAL = 12;
const GOAL_SECONDS = 5;
const GOAL_MB = 500;
const RUNS = 3;

const SIZES = {
  small: { nodes: 500, pods: 15_000, namespaces: 2_000 },
  large: { nodes: 5_000, pods: 150_000, namespaces: 2_000 },
} as const;
type Size = keyof typeof SIZES;

interface Measured {
  /** CPU seconds of the process, garbage collection included: what the machine does besides does not count. */
  cpu: number;
  wall: number;
  rssMB: number;
  steps: number;
  blockers: number;
}

function measure(size: Size): Measured {
  const { nodes, pods, namespaces } = SIZES[size];
  const inventory = syntheticInventory({ controlPlanes: 3, workers: nodes - 3, pods, namespaces });
  const rotation = syntheticRotation('bridge', { maxUnavailable: '1%' });
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const unmet = preconditions(inventory, rotation, T0);
  const made = plan(inventory, rotation, 'retire', T0);
  const used = process.cpuUsage(cpu);
  if (unmet.length > 0 || made.refusal) throw new Error(`no plan: ${unmet[0]?.message ?? made.refusal?.message}`);
  return {
    cpu: (used.user + used.system) / 1e6,
    wall: (performance.now() - begun) / 1000,
    rssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    steps: made.steps.length,
    blockers: made.steps.reduce((sum, step) => sum + step.blockers.length, 0),
  };
}

/** Measures in a process of its own. */
function apart(size: Size): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [size]);
    child.on('message', (measured) => resolve(measured as Measured));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? undefined : reject(new Error(`measuring ${size} ended with ${code}`))));
  });
}

/** The fastest of several processes. */
async function best(size: Size): Promise<Measured> {
  const all: Measured[] = [];
  for (let run = 1; run <= RUNS; run++) {
    const one = await apart(size);
    all.push(one);
    console.log(
      `${SIZES[size].nodes} nodes, ${SIZES[size].pods} pods: run ${run} of ${RUNS}, ${one.steps} steps in ${one.cpu.toFixed(2)} s, ${one.rssMB} MB`,
    );
  }
  return all.reduce((a, b) => (b.cpu < a.cpu ? b : a));
}

async function compare(): Promise<void> {
  const small = await best('small');
  const large = await best('large');
  const ratio = Math.round((large.cpu / small.cpu) * 100) / 100;
  const ok = ratio <= GOAL && large.cpu <= GOAL_SECONDS && large.rssMB <= GOAL_MB;
  const details = {
    seconds: Number(large.cpu.toFixed(3)),
    secondsAtTenth: Number(small.cpu.toFixed(3)),
    wallSeconds: Number(large.wall.toFixed(3)),
    goalSeconds: GOAL_SECONDS,
    rssMB: large.rssMB,
    goalMB: GOAL_MB,
    ...SIZES.large,
    steps: large.steps,
    blockers: large.blockers,
  };
  console.log(JSON.stringify({ bench: 'plan', value: ratio, unit: 'x', goal: GOAL, ok, details }));
  process.exitCode = ok ? 0 : 1;
}

const size = process.argv.find((word): word is Size => word === 'small' || word === 'large');
if (process.send && size) process.send(measure(size));
else await compare();
