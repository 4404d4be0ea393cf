import pc from 'picocolors';

export type Colours = ReturnType<typeof pc.createColors>;

/** What a view needs of an output: `process.stdout`, or anything that takes text. */
export interface Output {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

/** No escape sequences at all: files, pipes, tests. */
export const plainColours: Colours = pc.createColors(false);

/** Colours on a terminal only; NO_COLOR turns them off there as well (no-color.org). */
export function coloursFor(output: Output, environment: NodeJS.ProcessEnv = process.env): Colours {
  const wanted = output.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return pc.createColors(wanted);
}
