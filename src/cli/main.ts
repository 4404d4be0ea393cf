// The command line: commands and flags, nothing else. What they do lives in the folders they call.

import { Command, CommanderError } from 'commander';
import { registerLab } from '../../lab/cli.ts';
import { registerDemo } from '../../lab/demo/cli.ts';
import { registerLoad } from '../../lab/load/cli.ts';
import { EXIT } from '../errors.ts';
import { registerBackup } from './commands/backup.ts';
import { registerInspect } from './commands/inspect.ts';
import { registerKubeconfig } from './commands/kubeconfig.ts';
import { registerPlan } from './commands/plan.ts';
import { registerReport } from './commands/report.ts';
import { registerRestore } from './commands/restore.ts';
import { registerRollback } from './commands/rollback.ts';
import { registerRotate } from './commands/rotate.ts';
import { registerStatus } from './commands/status.ts';
import { registerVerify } from './commands/verify.ts';
import { guardOutput } from './output-failure.ts';
import { showError } from './show-error.ts';

export function program(): Command {
  const root = new Command('reroot')
    .description('Turns every certificate authority of a live Kubernetes cluster.')
    .version('0.1.0')
    .showHelpAfterError('(reroot --help shows the commands)')
    .exitOverride();
  registerInspect(root);
  registerPlan(root);
  registerRotate(root);
  registerStatus(root);
  registerVerify(root);
  registerRollback(root);
  registerBackup(root);
  registerRestore(root);
  registerKubeconfig(root);
  registerReport(root);
  const lab = registerLab(root);
  registerLoad(lab);
  registerDemo(lab);
  return root;
}

async function main(argv: string[]): Promise<number> {
  try {
    await program().parseAsync(argv);
    return Number(process.exitCode ?? EXIT.done);
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    return showError(thrown);
  }
}

guardOutput();
process.exitCode = await main(process.argv);
