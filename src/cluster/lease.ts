import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, RerootError, reasonOf } from '../errors.ts';
import { type Cluster, isConflict, isNotFound, type KubeObject } from './client.ts';
import { isDeadHere, processMark } from './process-mark.ts';

const NAMESPACE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const DURATION = 30_000;
const RENEW_EVERY = 8_000;

export interface LeaseOptions {
  /** Default `reroot`. */
  name?: string;
  /** Who we are, for the one who finds the lease held: `anna@bastion`. */
  identity: string;
  /** Milliseconds; tests shorten them. Default 30 000 and 8 000. */
  duration?: number;
  renewEvery?: number;
  /** Ends the watch over a lease that may be left: RerootError, exit 130. */
  signal?: AbortSignal;
  /** Told before that watch, with whose lease it is and the seconds for which nobody may renew it. */
  onWatch?: (holder: string, seconds: number) => void;
}

export interface HeldLease {
  holder: string;
  /** Aborts when the lease could not be renewed in time or was taken: no new step may begin then. */
  lost: AbortSignal;
  /** Looks at the time and ends `lost` when the lease may be another's by now: nothing is renewed while a machine sleeps, and no timer says so before a step. */
  check(): void;
  /** Gives the lease up; does nothing when it is lost. */
  release(): Promise<void>;
}

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; renewTime?: string; acquireTime?: string; leaseDurationSeconds?: number };
}

/**
 * Keeps a second runner out. Taken over when its holder is a process of this machine that has ended, or when it has run out by its own times *and*
 * nobody renews it for as long as its holder said it lasts (clocks differ). Held by another: RerootError, exit 3, naming who and since when.
 */
export async function holdLease(cluster: Cluster, options: LeaseOptions): Promise<HeldLease> {
  const { name = 'reroot', duration = DURATION, renewEvery = RENEW_EVERY } = options;
  const holder = `${options.identity} ${processMark()}`;
  const path = `${NAMESPACE}/${name}`;
  const spec = () => ({
    holderIdentity: holder,
    leaseDurationSeconds: Math.ceil(duration / 1000),
    acquireTime: microTime(),
    renewTime: microTime(),
  });
  for (;;) {
    const found = await read(cluster, path);
    try {
      if (!found) {
        await cluster.create(NAMESPACE, {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name },
          spec: spec(),
        });
        break;
      }
      await assertFree(cluster, path, found, options);
      await cluster.patch(path, [
        { op: 'test', path: '/metadata/resourceVersion', value: found.metadata.resourceVersion },
        { op: 'add', path: '/spec', value: spec() },
      ]);
      break;
    } catch (thrown) {
      // Somebody was faster, or gave it up: look again who holds it now.
      const raced =
        isConflict(thrown) || (thrown instanceof Error && 'reason' in thrown && thrown.reason === 'AlreadyExists');
      if (!raced && !(found && isNotFound(thrown))) throw thrown;
    }
  }
  return keep(cluster, path, holder, duration, renewEvery);
}

async function read(cluster: Cluster, path: string, signal?: AbortSignal): Promise<Lease | undefined> {
  try {
    return await cluster.get<Lease>(path, signal ? { signal } : {});
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

async function assertFree(
  cluster: Cluster,
  path: string,
  found: Lease,
  { signal, onWatch }: LeaseOptions,
): Promise<void> {
  const { holderIdentity: other = '', renewTime = '', leaseDurationSeconds = 30 } = found.spec ?? {};
  if (other === '' || isDeadHere(other)) return;
  const duration = leaseDurationSeconds * 1000;
  const runsOutAt = Date.parse(renewTime) + duration;
  if (runsOutAt > Date.now()) throw heldBy(found, path, runsOutAt);
  // Its times say that it has run out, by a clock that may be wrong. So it is its holder's for as long as it lasts from when we saw it, by a clock that
  // nobody sets: observedTime of client-go (tools/leaderelection/leaderelection.go).
  onWatch?.(other, leaseDurationSeconds);
  const end = performance.now() + duration;
  try {
    while (performance.now() < end) {
      await pause(Math.min(500, duration / 10), undefined, signal ? { signal } : {});
      const now = await read(cluster, path, signal);
      if (!now) return;
      if (now.spec?.renewTime !== renewTime) throw heldBy(now, path, Date.now() + duration);
    }
  } catch (thrown) {
    if (!signal?.aborted) throw thrown;
    throw new RerootError(EXIT.interrupted, `interrupted while watching whether ${other} still renews its lease`);
  }
}

function heldBy(lease: Lease, path: string, runsOutAt: number): RerootError {
  const { holderIdentity, acquireTime } = lease.spec ?? {};
  const seconds = Math.max(1, Math.ceil((runsOutAt - Date.now()) / 1000));
  return new RerootError(
    EXIT.blocked,
    `another reroot is at work on this cluster: ${holderIdentity}, since ${acquireTime ?? '?'}`,
    {
      hints: [
        `wait for it, or end it there; if it is dead its lease runs out in ${seconds} s`,
        `see it: kubectl -n kube-system get lease ${path.split('/').at(-1)} -o yaml`,
      ],
    },
  );
}

function keep(cluster: Cluster, path: string, holder: string, duration: number, renewEvery: number): HeldLease {
  const lost = new AbortController();
  const stop = new AbortController();
  let renewed = Date.now();
  const isLate = () => Date.now() - renewed > duration - renewEvery;
  const ours = { op: 'test' as const, path: '/spec/holderIdentity', value: holder };

  const loop = async () => {
    let wait = renewEvery;
    while (!stop.signal.aborted && !lost.signal.aborted) {
      try {
        await pause(wait, undefined, { signal: stop.signal, ref: false });
        const sentAt = Date.now();
        await cluster.patch(path, [ours, { op: 'replace', path: '/spec/renewTime', value: microTime() }], {
          timeout: renewEvery,
          retryFor: 0,
          signal: stop.signal,
        });
        renewed = sentAt;
        wait = renewEvery;
      } catch (thrown) {
        if (stop.signal.aborted) return;
        wait = Math.min(1_000, renewEvery);
        // A server that is away for a while is no loss as long as nobody else could have taken the lease.
        if (isConflict(thrown) || isNotFound(thrown))
          lost.abort(lossOf(path, 'another runner took it, or it was deleted'));
        else if (isLate()) lost.abort(lossOf(path, `it could not be renewed: ${reasonOf(thrown)}`));
      }
    }
  };
  const done = loop();

  return {
    holder,
    lost: lost.signal,
    check() {
      if (!stop.signal.aborted && isLate())
        lost.abort(lossOf(path, 'it was not renewed in time: this machine slept, or its clock was set'));
    },
    async release() {
      stop.abort();
      await done;
      if (lost.signal.aborted) return;
      const now = await read(cluster, path).catch(() => undefined);
      if (now?.spec?.holderIdentity !== holder) return;
      const { uid, resourceVersion } = now.metadata;
      // Deleted, so that nothing of us stays; should this fail, the lease runs out by itself.
      await cluster
        .remove(path, { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) })
        .catch(() => {});
    },
  };
}

const lossOf = (path: string, why: string): RerootError =>
  new RerootError(EXIT.failedSafe, `lost the lease ${path.split('/').at(-1)}: ${why}`, {
    hints: ['see that no other reroot runs on this cluster, then run the same command again'],
  });

/** MicroTime of the API (apimachinery pkg/apis/meta/v1/micro_time.go): six digits. */
const microTime = (): string => new Date().toISOString().replace('Z', '000Z');
