// The few ways in which a command ends badly. The exit codes are part of the command line's contract.

export const EXIT = { done: 0, checkFailed: 1, wrongUse: 2, blocked: 3, failedSafe: 4, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An expected failure: what is wrong, why, and the next command to run. Shown without a stack trace. */
export class RerootError extends Error {
  readonly exitCode: ExitCode;
  readonly hints: readonly string[];
  constructor(exitCode: ExitCode, message: string, options: { hints?: readonly string[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RerootError';
    this.exitCode = exitCode;
    this.hints = options.hints ?? [];
  }
}

/** The caller asked for something that cannot be: a flag, a file, a name. Nothing was changed. */
export const wrongUse = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.wrongUse, message, { hints });

/** Something failed on the way and the cluster was left safe. */
export const failedSafe = (message: string, cause?: unknown, ...hints: string[]): RerootError =>
  new RerootError(EXIT.failedSafe, message, { hints, cause });

/** One line for a thrown thing of any kind, without a stack. */
export const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
