import type { Command } from 'commander';
import { stoppable } from '../../src/cli/stoppable.ts';
import { reasonOf } from '../../src/errors.ts';
import { installHostPackages } from '../full/artifacts/host-packages.ts';
import { demandRights } from '../full/artifacts/preflight.ts';
import { planFull } from '../full/artifacts/prepare.ts';
import { demandFullRoom, preflightFull } from '../full/preflight.ts';
import { labDir, labsFolder, readLab } from '../state.ts';
import { DEFAULT_VERSION, kubeVersion } from '../versions.ts';
import { demo } from './demo.ts';

/** `reroot lab demo`: what `npm run demo` runs once the packages are there and the command is built. */
export function registerDemo(lab: Command): void {
  lab
    .command('demo')
    .description('a lab, load on it, both authorities to the end of retire, and what was measured')
    .option('--quick', 'the process lab, which needs no root: minutes instead of a quarter of an hour')
    .option('--name <name>', 'name of the lab', 'demo')
    .option('--keep', 'leave the lab up at the end')
    .option('--control-planes <n>', 'control-plane nodes', (text) => Number(text), 3)
    .option('--workers <n>', 'nodes of the full lab without a control plane', (text) => Number(text), 2)
    .option('--kubernetes <version>', 'version of Kubernetes')
    .option('--after <seconds>', 'load after retire', (text) => Number(text), 15)
    .action(async (flags: Flags) => {
      const say = (line: string): void => void process.stdout.write(`${line}\n`);
      const kind = flags.quick ? 'processes' : await kindPossible(flags, say);
      const told = (): void => say(`interrupted: what runs is ended${flags.keep ? '' : ', and the lab is taken down'}`);
      const result = await stoppable(
        (signal) =>
          demo({
            kind,
            workers: flags.workers,
            name: flags.name,
            keep: flags.keep ?? false,
            controlPlanes: flags.controlPlanes,
            after: flags.after,
            say,
            signal,
            ...(flags.kubernetes ? { kubernetes: flags.kubernetes } : {}),
          }),
        told,
      );
      say(`Of ${result.requests} requests ${result.failedBeforeRetire} failed before retire.`);
      say(`The report: ${result.report}`);
      process.stdout.write(`${JSON.stringify(result)}\n`);
      process.exitCode = result.failedBeforeRetire === 0 ? 0 : 1;
    });
}

/** The full lab where this machine and this user can have one; else the process lab, and it is said why. */
async function kindPossible(flags: Flags, say: (line: string) => void): Promise<'processes' | 'full'> {
  const against = await whyNoFullLab(flags, say);
  if (against === undefined) return 'full';
  say(`The full lab cannot stand here: ${against}.`);
  say('So this is the process lab: the same rotation on control planes of plain processes, without kubelets and pods.');
  return 'processes';
}

async function whyNoFullLab(flags: Flags, say: (line: string) => void): Promise<string | undefined> {
  try {
    demandRights();
    // A lab that stands has its room already.
    if (readLab(labDir(flags.name)) === undefined) {
      planFull(kubeVersion(flags.kubernetes ?? DEFAULT_VERSION));
      demandFullRoom(labsFolder(), flags.controlPlanes, flags.workers);
    }
    await installHostPackages(say);
  } catch (thrown) {
    return reasonOf(thrown);
  }
  return preflightFull();
}

interface Flags {
  quick?: boolean;
  name: string;
  keep?: boolean;
  controlPlanes: number;
  workers: number;
  kubernetes?: string;
  after: number;
}
