// The command line: commands and flags, nothing else. What they do lives in the folders they call.

import { Command, CommanderError } from 'commander';
import { registerLab } from '../../lab/cli.ts';
import { registerLoad } from '../../lab/load/cli.ts';
import { EXIT } from '../errors.ts';
import { registerBackup } from './commands/backup.ts';
import { registerInspect } from './commands/inspect.ts';
import { registerKubeconfig } from './commands/kubeconfig.ts';
import { registerReport } from './commands/report.ts';
import { registerRestore } from './commands/restore.ts';
import { registerVerify } from './commands/verify.ts';
import { showError } from './show-error.ts';

export function program(): Command {
  const root = new Command('reroot')
    .description('Turns every certificate authority of a live Kubernetes cluster.')
    .version('0.1.0')
    .showHelpAfterError('(reroot --help shows the commands)')
    .exitOverride();
  registerInspect(root);
  registerVerify(root);
  registerBackup(root);
  registerRestore(root);
  registerKubeconfig(root);
  registerReport(root);
  registerLoad(registerLab(root));
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

process.exitCode = await main(process.argv);
