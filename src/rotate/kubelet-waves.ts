// Waves of kubelets: a restart may make a node's pods not ready for a while, so a wave is held against the Services as they are just before it,
// and the next one waits for the pods of the last (trap 21).

import type { PartyId } from '../core/model/ids.ts';
import type { Instance } from '../core/model/inventory.ts';
import type { Step } from '../core/model/step.ts';
import { listReduced } from '../discover/paged.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import type { EndpointSlice } from './endpoints-left.ts';
import { names, type PodReadiness, readyPods, untilBack } from './pods-back.ts';
import { refuseRisky } from './risky-nodes.ts';
import { darkened, partOf, type Spread, spreadsOf } from './service-waves.ts';
import { GO_ON } from './tell.ts';

/** Restarts the parties of one wave; gives those that were restarted. */
export type RestartWave = (number: number, wave: readonly PartyId[]) => Promise<readonly PartyId[]>;

/** Restarts kubelets as planned, a wave in several parts where a Service needs it. Throws RerootError before the first when a node is at risk. */
export async function restartKubelets(
  ctx: Context,
  step: Step,
  waves: readonly (readonly Instance[])[],
  restart: RestartWave,
): Promise<void> {
  const nodes = waves.flat().map(({ node }) => node);
  await refuseRisky(ctx, step, nodes);
  const late: PodReadiness[] = [];
  let toGo = nodes.length;
  let number = 0;
  for (const wave of waves) {
    for (let left = wave; left.length > 0; number += 1) {
      const part = await mayGo(ctx, step, left, late);
      left = left.filter((kubelet) => !part.includes(kubelet));
      toGo -= part.length;
      // After the last one nobody waits.
      const before = toGo > 0 ? await readyPods(ctx, part) : [];
      const parties = part.map(({ id }) => id);
      const restarted = new Set(await restart(number, parties));
      const kubelets = part.filter(({ id }) => restarted.has(id));
      const on = new Set(kubelets.map(({ node }) => node));
      const pods = before.filter(({ node }) => on.has(node));
      if (pods.length > 0) late.push(...(await untilBack(ctx, step, kubelets, pods)));
    }
  }
}

/** Those of a wave that may restart now: all, unless they have all ready endpoints of a Service that has some on several nodes. */
async function mayGo(
  ctx: Context,
  step: Step,
  wave: readonly Instance[],
  late: readonly PodReadiness[],
): Promise<readonly Instance[]> {
  if (wave.length === 1 && late.length === 0) return wave;
  const spreads = await spreadsNow(ctx);
  const { now, later } = partOf(
    wave.map(({ node }) => node),
    spreads,
  );
  const dark = darkened(now, spreads, new Set(late.map(({ uid }) => uid)));
  if (dark.length > 0) throw wouldBeDark(now, dark, late);
  const [first] = later;
  if (first) {
    const missing = later.map(({ node }) => `${node}/kubelet`);
    const message = `${missing.join(', ')} later: with ${now.join(', ')} they have every ready endpoint of Service ${first.service}`;
    ctx.emit({ type: 'wait', step: step.id, message, data: { seconds: 0, missing } });
  }
  return wave.filter(({ node }) => now.includes(node));
}

const spreadsNow = async (ctx: Context): Promise<Spread[]> =>
  spreadsOf(
    await listReduced<EndpointSlice, EndpointSlice>(
      ctx.cluster,
      '/apis/discovery.k8s.io/v1/endpointslices',
      ({ metadata, endpoints }): EndpointSlice => ({
        metadata: {
          ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
          ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
        },
        ...(endpoints ? { endpoints } : {}),
      }),
    ),
  );

const wouldBeDark = (
  nodes: readonly string[],
  services: readonly string[],
  late: readonly PodReadiness[],
): RerootError =>
  new RerootError(
    EXIT.failedSafe,
    `the kubelet of ${nodes.join(', ')} is not restarted: it has the last ready endpoints of Service ${services.join(', ')}, and since an earlier restart these pods are not Ready: ${names(late)}`,
    { hints: ['see why they are not (kubectl describe pod), and mend or delete them', GO_ON] },
  );
