// Collects what the load's pods say, and knows of which it has not heard.

import type { PodLife } from '../pod-keeper.ts';
import type { Tally } from '../tally.ts';
import { enter, type Report, reportOf } from './lines.ts';
import type { ClientPodSeen } from './pods.ts';
import type { Tail } from './tail.ts';

export interface CollectorOptions {
  look: () => Promise<ClientPodSeen[]>;
  tail: (pod: ClientPodSeen, take: (line: string) => void) => Tail;
  now?: () => number;
}

export interface Collector {
  /** From now on what clients of the kind say is entered. */
  open(kind: string, tally: Tally): void;
  /** What they say of later is not. */
  close(kind: string): void;
  /** The clients of a kind that live, and until when what they did is known: milliseconds since the epoch. */
  heard(kind: string): { pod: string; until: number }[];
  waitingMs(): Record<string, number>;
  lives(): PodLife[];
  stop(): void;
}

interface Followed {
  pod: ClientPodSeen;
  tail: Tail;
  life: PodLife;
  /** By kind, for one pod may speak for two: the number of its last line, when it was written, what it waited for then. */
  last: Map<string, { seq: number; t: number; waitMs: number }>;
}

interface Opened {
  tally: Tally;
  since: number;
  until: number;
}

const LOOK_EVERY_MS = 1_000;
/** A client speaks each second; of one that is silent longer this much is taken off what it is said to wait. */
const SPEAKS_EVERY_MS = 3_000;

export function createCollector({ look, tail, now = Date.now }: CollectorOptions): Collector {
  const open = new Map<string, Opened>();
  const living = new Map<string, Followed>();
  const lives: PodLife[] = [];

  function take(followed: Followed, report: Report): void {
    const { kind, seq, t } = report;
    if (seq <= (followed.last.get(kind)?.seq ?? 0)) return;
    followed.last.set(kind, { seq, t, waitMs: 'waitMs' in report ? report.waitMs : 0 });
    const books = open.get(kind);
    if (books && t > books.since && t <= books.until) enter(books.tally, report);
  }

  function begin(pod: ClientPodSeen): void {
    const life: PodLife = { app: pod.kind, name: pod.name, from: pod.startedAt };
    const followed: Followed = { pod, life, last: new Map(), tail: { stop: () => undefined } };
    followed.tail = tail(pod, (line) => {
      const report = reportOf(line);
      if (report) take(followed, report);
    });
    living.set(pod.id, followed);
    lives.push(life);
  }

  /** A pod that is gone has ended with its client; a container that started again in the same pod did not end of its own will. */
  function end(followed: Followed, seen: readonly ClientPodSeen[]): void {
    const { pod, life } = followed;
    living.delete(pod.id);
    life.to = now();
    // Its last lines may still be on their way.
    setTimeout(followed.tail.stop, 2_000).unref();
    const [uid] = pod.id.split('/');
    const successor = seen.find((one) => one.id.startsWith(`${uid}/`));
    for (const kind of followed.last.keys()) {
      const books = open.get(kind);
      if (!books) continue;
      if (!successor) books.tally.gone(kind);
      else
        books.tally.failed({
          // Of its end nothing is said but when the next began; this look may come seconds later on a busy machine.
          t: successor.startedAt,
          kind,
          class: 'other',
          text: `the client of ${pod.name} ended by itself`,
          ms: 0,
        });
    }
  }

  async function lookOnce(): Promise<void> {
    // An API that does not answer says nothing of pods.
    const seen = await look().catch(() => undefined);
    if (!seen || stopped) return;
    for (const followed of [...living.values()]) {
      if (!seen.some(({ id }) => id === followed.pod.id)) end(followed, seen);
    }
    for (const pod of seen) if (!living.has(pod.id)) begin(pod);
  }

  let stopped = false;
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void lookOnce().finally(() => {
      looking = false;
    });
  }, LOOK_EVERY_MS);

  const heard = (kind: string): { pod: string; until: number }[] =>
    [...living.values()].flatMap(({ pod, last }) => {
      const until = last.get(kind)?.t ?? (pod.kind === kind ? 0 : undefined);
      return until === undefined ? [] : [{ pod: pod.name, until }];
    });

  return {
    open: (kind, tally) => void open.set(kind, { tally, since: now(), until: Number.POSITIVE_INFINITY }),
    close(kind) {
      const books = open.get(kind);
      if (books) books.until = now();
    },
    heard,
    waitingMs() {
      const longest: Record<string, number> = {};
      for (const { last } of living.values()) {
        for (const [kind, { t, waitMs }] of last) {
          if (!open.has(kind)) continue;
          const silent = Math.max(0, now() - t - SPEAKS_EVERY_MS);
          longest[kind] = Math.max(longest[kind] ?? 0, waitMs + silent);
        }
      }
      return longest;
    },
    lives: () => lives,
    stop() {
      stopped = true;
      clearInterval(timer);
      for (const { tail } of living.values()) tail.stop();
    },
  };
}
