// The one question before what cannot simply be undone. Whoever does not answer it with the word has changed nothing.

import { createInterface } from 'node:readline';
import { EXIT, RerootError } from '../errors.ts';

interface Asking {
  /** Gives the question up. */
  signal?: AbortSignal;
  input?: NodeJS.ReadableStream;
  output?: NodeJS.WritableStream;
  /** False: taken as lines, without keys such as Ctrl-C. Default: whether the output is a terminal. */
  terminal?: boolean;
}

/** Comes back when `word` was typed. Any other answer, Ctrl-C, Ctrl-D, a signal and an input that ends: RerootError, exit 130. */
export function demandWord(word: string, question: string, asking: Asking = {}): Promise<void> {
  const { input = process.stdin, output = process.stderr, ...options } = asking;
  const asked = createInterface({ input, output, ...options });
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(new RerootError(EXIT.interrupted, 'nothing was changed'));
    // Ctrl-C, Ctrl-D, the signal or the end of the input: what is said next begins a line of its own.
    const unanswered = (): void => {
      output.write('\n');
      refuse();
    };
    asked.once('close', unanswered);
    asked.question(question, (answer) => {
      asked.off('close', unanswered);
      asked.close();
      if (answer.trim() === word) resolve();
      else refuse();
    });
  });
}
