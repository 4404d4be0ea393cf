// What goes wrong with certificates and keys, as one expected kind of error. No message ever holds key material.

/** A certificate, key or request that cannot be used as asked: what is wrong and why; `hints` say what to do next. */
export class PkiError extends Error {
  readonly hints: readonly string[];
  constructor(message: string, options: { hints?: readonly string[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PkiError';
    this.hints = options.hints ?? [];
  }
}

/** A PEM text that cannot be read: it names the text and the number of the block. */
export class PemError extends PkiError {
  override readonly name = 'PemError';
}
