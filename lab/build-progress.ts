// Says how far a build is: a line at the start of a quarter of a minute, not one for each of a thousand packages.

const EVERY_MS = 15_000;

export interface Progress {
  /** Standard error of `go build -v`: a package a line, as it is compiled; downloads before that. */
  saw(text: string): void;
  /** Since the start. */
  seconds(): number;
  stop(): void;
}

/** `all`: how many packages are compiled where none was before. */
export function startProgress(say: (line: string) => void, title: string, all: number): Progress {
  const begun = Date.now();
  let packages = 0;
  let downloads = 0;
  const seconds = (): number => Math.round((Date.now() - begun) / 1000);
  const timer = setInterval(() => {
    const what =
      packages > 0 ? `${packages} packages compiled (about ${all} if none was before)` : `${downloads} modules fetched`;
    say(`  ${title}: ${seconds()} s, ${what}`);
  }, EVERY_MS);
  return {
    saw(text) {
      for (const line of text.split('\n')) {
        if (line.startsWith('go: downloading')) downloads++;
        else if (/^[\w.-]+(\/[\w.-]+)*$/.test(line)) packages++;
      }
    },
    seconds,
    stop: () => clearInterval(timer),
  };
}
