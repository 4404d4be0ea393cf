// How reroot acts on a node: one command at a time, by ssh, a command template, or here. Everything else is built on `run`.

import type { Duplex } from 'node:stream';
import { EXIT, RerootError } from '../errors.ts';

export interface RunOptions {
  /** Fed to standard input, then closed. The only way secrets travel: never in argv. */
  stdin?: string | Uint8Array;
  /** Milliseconds until the command is ended and the call fails. Default 30 000. */
  timeout?: number;
  signal?: AbortSignal;
}

export interface RunResult {
  code: number;
  stdout: Buffer;
  stderr: string;
}

/** Access to one node. Throws NodeUnreachable when the node or the transport is away; a command that fails is a code, not an exception. */
export interface NodeAccess {
  readonly node: string;
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** A connection from the node to somewhere; absent where the node is this machine. The stream fails with PipeFailed when it cannot be had. */
  dial?(host: string, port: number, options?: Pick<RunOptions, 'signal'>): Promise<Duplex>;
}

/** The node or the way to it is away: an expected failure, which leaves everything as it was up to there. */
export class NodeUnreachable extends RerootError {
  constructor(
    readonly node: string,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(EXIT.failedSafe, message, {
      ...options,
      hints: [`nothing is lost: bring ${node} back, or mend the way to it, and run the same command again`],
    });
    this.name = 'NodeUnreachable';
  }
}
