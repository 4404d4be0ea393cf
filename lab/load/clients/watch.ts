// A watch that must miss no event, as a controller's informer: reconnects from the last resource version it has seen.

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { BadAnswer, classOf, type FailureClass, textOf } from '../failure.ts';
import { followingClient } from '../following-client.ts';
import { nameOfOp, opOf } from '../ledger.ts';
import { RUN_LABEL } from '../objects.ts';
import type { StartClient } from './world.ts';
import { CONFIG_MAPS, objectOf } from './write.ts';

/** An event later than this is taken for lost, and the watch that should have brought it for dead. client-go's HTTP/2 ping gives up after as long. */
const PATIENCE_MS = 30_000;
/** How long the last events may take when the load ends. */
const LAST_EVENTS_MS = 30_000;

const event = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['ADDED', 'MODIFIED', 'DELETED']),
    object: z.object({ metadata: z.object({ name: z.string(), resourceVersion: z.string() }) }),
  }),
  z.object({ type: z.literal('BOOKMARK'), object: z.object({ metadata: z.object({ resourceVersion: z.string() }) }) }),
  z.object({ type: z.literal('ERROR'), object: z.object({ code: z.number(), message: z.string() }) }),
]);
const list = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** What the watch as such went through; its requests and failures are in the tally under `watch`. */
export interface WatchStory {
  events: number;
  missed: number;
  /** Events that came twice, or after they had been given up. */
  repeated: number;
  /** Streams that ended, in order or not, and were taken up again. */
  reconnects: number;
}

export const startWatch =
  (story: WatchStory): StartClient =>
  async ({ lab, run, tally, ledger }) => {
    const client = followingClient(lab.kubeconfig, { keep: false });
    const stopping = new AbortController();
    let stream = new AbortController();
    const selector = `labelSelector=${encodeURIComponent(`${RUN_LABEL}=${run}`)}`;
    let version = await versionNow();

    const running = follow();
    const patience = setInterval(() => {
      const late = ledger.overdue(Date.now(), PATIENCE_MS);
      for (const op of late)
        lost(op, 'timeout', `event ${nameOfOp(op)} did not come within ${PATIENCE_MS / 1_000} s`, PATIENCE_MS);
      if (late.length > 0) stream.abort();
    }, 1_000);
    return {
      async stop() {
        const until = Date.now() + LAST_EVENTS_MS;
        while (ledger.waiting() > 0 && Date.now() < until) await sleep(50);
        for (const op of ledger.overdue(Date.now(), 0))
          lost(op, 'timeout', `event ${nameOfOp(op)} did not come by the end`, LAST_EVENTS_MS);
        clearInterval(patience);
        stopping.abort();
        await running;
        client.close();
      },
    };

    async function follow(): Promise<void> {
      let failures = 0;
      while (!stopping.signal.aborted) {
        stream = new AbortController();
        const attempt = { began: Date.now(), opened: false };
        const opened = (): void => {
          attempt.opened = true;
        };
        try {
          await client.stream(
            watchPath(),
            { opened, chunk: lines(take) },
            AbortSignal.any([stream.signal, stopping.signal]),
          );
          failures = 0;
        } catch (thrown) {
          if (stopping.signal.aborted) return;
          failures = (await isFailure(thrown, attempt)) ? failures + 1 : 0;
        }
        story.reconnects += 1;
        await sleep(Math.min(2_000, 100 * 2 ** failures));
      }
    }

    /** A stream that breaks is no failure: a reflector takes it up again. Not being let in is one, and is entered. */
    async function isFailure(thrown: unknown, { began, opened }: { began: number; opened: boolean }): Promise<boolean> {
      const failureClass = classOf(thrown);
      if (stream.signal.aborted || (opened && failureClass === 'connection')) return false;
      tally.failed({ t: Date.now(), kind: 'watch', class: failureClass, text: textOf(thrown), ms: Date.now() - began });
      // 410: the version is no longer in the store. What lay between is lost, and the ledger will say what it was.
      if (thrown instanceof BadAnswer && thrown.status === 410) version = await versionNow().catch(() => version);
      return true;
    }

    function take(line: string): void {
      const now = Date.now();
      const { type, object } = event.parse(JSON.parse(line));
      if (type === 'ERROR') throw new BadAnswer(object.code, object.message);
      version = object.metadata.resourceVersion;
      if (type === 'BOOKMARK') return;
      const { lagMs, missed } = ledger.saw(opOf(objectOf(object.metadata.name), type), now);
      story.events += 1;
      if (lagMs === undefined) story.repeated += 1;
      else tally.ok({ kind: 'watch', ms: lagMs });
      for (const op of missed) lost(op, 'other', `event ${nameOfOp(op)} was missed: a later one came first`, 0);
    }

    function lost(op: number, failureClass: FailureClass, text: string, ms: number): void {
      story.missed += 1;
      tally.failed({ t: Date.now(), kind: 'watch', target: nameOfOp(op), class: failureClass, text, ms });
    }

    async function versionNow(): Promise<string> {
      const { body } = await client.send({ path: `${CONFIG_MAPS}?${selector}` });
      return list.parse(JSON.parse(body)).metadata.resourceVersion;
    }
    function watchPath(): string {
      return `${CONFIG_MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}&${selector}`;
    }
  };

/** Hands on whole lines of what comes in pieces. */
function lines(take: (line: string) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') take(line);
  };
}
