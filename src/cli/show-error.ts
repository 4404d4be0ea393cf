import pc from 'picocolors';
import { EXIT, type ExitCode, RerootError, wrongUse } from '../errors.ts';
import { PkiError } from '../pki/errors.ts';

/** Prints a failure as one line and its hints to standard error; an unexpected one with its stack, for it is a bug. */
export function showError(thrown: unknown): ExitCode {
  if (thrown instanceof PkiError) return showError(wrongUse(thrown.message, ...thrown.hints));
  if (thrown instanceof RerootError) {
    process.stderr.write(`${pc.red('reroot:')} ${thrown.message}\n`);
    for (const hint of thrown.hints) process.stderr.write(`  ${pc.dim('hint:')} ${hint}\n`);
    return thrown.exitCode;
  }
  process.stderr.write(
    `reroot: unexpected failure, please report it: ${thrown instanceof Error ? thrown.stack : thrown}\n`,
  );
  return EXIT.failedSafe;
}
