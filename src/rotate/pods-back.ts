// The pods of a node around its kubelet's restart: those that were Ready are Ready again, or gone, before the next node goes (trap 21).

import { minorOf } from '../core/catalog/facts.ts';
import type { NodeName } from '../core/model/ids.ts';
import type { Instance } from '../core/model/inventory.ts';
import { some, someLines } from '../core/model/some.ts';
import type { Step } from '../core/model/step.ts';
import { listReduced } from '../discover/paged.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { untilNothingIsOpen } from './patience.ts';
import { GO_ON } from './tell.ts';

/** Milliseconds for a pod to be Ready again: its next probe, ten seconds apart by default, of which a kubelet waits a part at random first. */
const BACK_LIMIT = 60_000;
/** Milliseconds in which a kubelet that has just started has surely said of its pods that they are not ready; until then the API has its old word. */
const HAS_SPOKEN = 5_000;
/** From this minor version on a restart leaves readiness as it was (K:pkg/features ChangeContainerStatusOnKubeletRestart, off). */
const KEEPS_READINESS = 35;

/** The parts of a v1 Pod that are looked at. */
export interface PodObject {
  metadata: { name: string; namespace: string; uid: string; deletionTimestamp?: string };
  spec?: { containers?: { readinessProbe?: object }[] };
  status?: {
    phase?: string;
    message?: string;
    conditions?: { type: string; status: string; lastTransitionTime?: string }[];
  };
}

export interface PodReadiness {
  /** NAMESPACE/NAME. */
  name: string;
  node: NodeName;
  uid: string;
  ready: boolean;
  /** When that last changed, as the API writes it. */
  since?: string;
  probed: boolean;
  /** Why its kubelet did not admit it anew (K:pkg/kubelet/kubelet.go rejectPod): it is Failed then, and stays so. */
  rejected?: string;
}

/** undefined for one that is on its way out. Pure. */
export function readinessOf({ metadata, spec, status }: PodObject, node: NodeName): PodReadiness | undefined {
  const rejected = /^Pod was rejected: (.*)/s.exec(status?.message ?? '')?.[1];
  const isOver = status?.phase === 'Succeeded' || (status?.phase === 'Failed' && rejected === undefined);
  if (metadata.deletionTimestamp !== undefined || isOver) return undefined;
  const condition = status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: `${metadata.namespace}/${metadata.name}`,
    node,
    uid: metadata.uid,
    ready: condition?.status === 'True',
    ...(condition?.lastTransitionTime === undefined ? {} : { since: condition.lastTransitionTime }),
    probed: spec?.containers?.some(({ readinessProbe }) => readinessProbe !== undefined) ?? false,
    ...(status?.phase === 'Failed' && rejected !== undefined ? { rejected } : {}),
  };
}

/** Pure. `spoken`: the kubelet has had the time to say that it is not ready, so an old word counts no more. */
export function isBack(before: PodReadiness, now: PodReadiness | undefined, spoken: boolean): boolean {
  if (!now) return true;
  return now.ready && (spoken || !before.probed || now.since !== before.since);
}

/** The pods on these kubelets' nodes that are Ready now. */
export async function readyPods(ctx: Context, kubelets: readonly Instance[]): Promise<PodReadiness[]> {
  return [...(await podsOn(ctx, kubelets)).values()].filter(({ ready }) => ready);
}

async function podsOn(ctx: Context, kubelets: readonly Instance[]): Promise<Map<string, PodReadiness>> {
  const lists = kubelets.map(({ node }) =>
    listReduced<PodObject, PodReadiness>(ctx.cluster, '/api/v1/pods', (pod) => readinessOf(pod, node), {
      fieldSelector: `spec.nodeName=${node}`,
    }),
  );
  return new Map((await Promise.all(lists)).flat().map((pod) => [pod.uid, pod]));
}

/**
 * Waits until the pods that were Ready before these kubelets restarted are so again. Gives those that are not after a minute, told in a warning; throws
 * RerootError when a kubelet rejected one, for the next would do the same, and when it is interrupted.
 */
export async function untilBack(
  ctx: Context,
  step: Step,
  kubelets: readonly Instance[],
  before: readonly PodReadiness[],
): Promise<PodReadiness[]> {
  const keep = new Set(kubelets.filter(keepsReadiness).map(({ node }) => node));
  let missing: PodReadiness[] = [];
  const patience = { limit: BACK_LIMIT, every: 500 };
  const back = await untilNothingIsOpen(ctx, step, patience, async (waited) => {
    const now = await podsOn(ctx, kubelets);
    const rejected = before.flatMap(({ uid }) => now.get(uid) ?? []).filter((pod) => pod.rejected !== undefined);
    if (rejected.length > 0) throw notAdmitted(rejected);
    const isSpoken = (pod: PodReadiness): boolean => keep.has(pod.node) || waited >= HAS_SPOKEN;
    missing = before.filter((pod) => !isBack(pod, now.get(pod.uid), isSpoken(pod)));
    const what = `pods to be Ready again before the next kubelet restarts: ${names(missing)}`;
    return missing.length === 0 ? undefined : { what, missing: missing.map(idOf) };
  });
  if (back) return [];
  const message = `not Ready again ${BACK_LIMIT / 1000} s after the restart of their kubelets: ${names(missing)}; goes on as long as no Service needs them`;
  ctx.emit({ type: 'warning', step: step.id, message, data: { pods: missing.map(idOf) } });
  return missing;
}

const idOf = ({ name }: PodReadiness): string => `pod/${name}`;

const keepsReadiness = ({ version }: Instance): boolean => (minorOf(version) ?? 0) >= KEEPS_READINESS;

/** `app/web-1 on w1, app/web-2 on w2 and 3 more`. */
export const names = (pods: readonly Pick<PodReadiness, 'name' | 'node'>[]): string =>
  some(
    pods.map(({ name, node }) => `${name} on ${node}`),
    5,
  );

function notAdmitted(pods: readonly PodReadiness[]): RerootError {
  const lines = pods.map(({ name, node, rejected }) => `pod/${name} on ${node}: ${rejected}`);
  return new RerootError(
    EXIT.failedSafe,
    `kubelets that were restarted did not admit pods again that ran there before${someLines(lines, 5)}`,
    {
      hints: ['their owners make others; see that they run, and mend the cause on the nodes that come next', GO_ON],
    },
  );
}
