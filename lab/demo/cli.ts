import type { Command } from 'commander';
import { demo } from './demo.ts';

/** `reroot lab demo`: what `npm run demo` runs once the packages are there and the command is built. */
export function registerDemo(lab: Command): void {
  lab
    .command('demo')
    .description('a lab, load on it, both authorities to the end of retire, and what was measured')
    .option('--quick', 'the process lab (the full lab is not part of this version, so it is taken in any case)')
    .option('--name <name>', 'name of the lab', 'demo')
    .option('--keep', 'leave the lab up at the end')
    .option('--control-planes <n>', 'control-plane nodes', (text) => Number(text), 3)
    .option('--kubernetes <version>', 'version of Kubernetes')
    .option('--after <seconds>', 'load after retire', (text) => Number(text), 15)
    .action(async (flags: Flags) => {
      const say = (line: string): void => void process.stdout.write(`${line}\n`);
      if (!flags.quick)
        say('The full lab (kubeadm on nodes of namespaces) is not part of this version: the process lab is taken.');
      const result = await demo({
        name: flags.name,
        keep: flags.keep ?? false,
        controlPlanes: flags.controlPlanes,
        after: flags.after,
        say,
        ...(flags.kubernetes ? { kubernetes: flags.kubernetes } : {}),
      });
      say(`Of ${result.requests} requests ${result.failedBeforeRetire} failed before retire.`);
      say(`The report: ${result.report}`);
      process.stdout.write(`${JSON.stringify(result)}\n`);
      process.exitCode = result.failedBeforeRetire === 0 ? 0 : 1;
    });
}

interface Flags {
  quick?: boolean;
  name: string;
  keep?: boolean;
  controlPlanes: number;
  kubernetes?: string;
  after: number;
}
