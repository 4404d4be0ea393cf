// Nodes on which a kubelet's restart may fail pods. It admits all of them anew when it starts (K:pkg/kubelet/kubelet.go HandlePodAdditions);
// under pressure it rejects some (K:pkg/kubelet/eviction/eviction_manager.go Admit), and what it rejects is Failed for good.

import type { KubeObject } from '../cluster/client.ts';
import type { NodeName } from '../core/model/ids.ts';
import { someLines } from '../core/model/some.ts';
import type { Step } from '../core/model/step.ts';
import { listReduced } from '../discover/paged.ts';
import { EXIT, RerootError } from '../errors.ts';
import type { Context } from './context.ts';
import { untilNothingIsOpen } from './patience.ts';
import { GO_ON } from './tell.ts';

/** The parts of a v1 Node that are looked at. */
export interface NodeObject extends KubeObject {
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

export interface Risk {
  node: NodeName;
  /** `DiskPressure`, `not Ready`, … */
  condition: string;
  /** What the node says of it. */
  why: string;
  mend: string;
}

const NOT_READY = 'not Ready';
/** Milliseconds for a node to become Ready: a kubelet reports every ten seconds, and sooner when something has changed. */
const READY_LIMIT = 60_000;

const PRESSURE: Record<string, string> = {
  DiskPressure: 'make room on its disk',
  MemoryPressure: 'take load off it: some pod uses more memory than the node has to spare',
  PIDPressure: 'end what makes so many processes there',
};

/** What speaks against restarting this node's kubelet now. A condition that is not said speaks against nothing. Pure. */
export function risksOf({ metadata, status }: NodeObject): Risk[] {
  const node = metadata.name;
  return (status?.conditions ?? []).flatMap((condition): Risk[] => {
    const { type } = condition;
    const why = condition.message || condition.reason || `${type} is ${condition.status}`;
    const mend = PRESSURE[type];
    if (mend && condition.status === 'True') return [{ node, condition: type, why, mend: `${mend} (${node})` }];
    if (type !== 'Ready' || condition.status === 'True') return [];
    return [{ node, condition: NOT_READY, why, mend: `see why: kubectl describe node ${node}` }];
  });
}

/**
 * Throws RerootError (blocked) when one of these nodes is at risk and was not waived by `node/NAME`. Looks before the first kubelet is touched. A node that is
 * not Ready is given a minute: it may just be coming up.
 */
export async function refuseRisky(ctx: Context, step: Step, nodes: readonly NodeName[]): Promise<void> {
  const waived = new Set(ctx.rotation.waivers.map(({ party }) => party));
  const wanted = new Set(nodes.filter((node) => !waived.has(`node/${node}`)));
  if (wanted.size === 0) return;
  let risks: Risk[] = [];
  const ready = await untilNothingIsOpen(ctx, step, { limit: READY_LIMIT, every: 1_000, quiet: 0 }, async () => {
    const found = await listReduced<NodeObject, Risk[]>(ctx.cluster, '/api/v1/nodes', (object) =>
      wanted.has(object.metadata.name) ? risksOf(object) : undefined,
    );
    risks = found.flat();
    if (risks.some(({ condition }) => condition !== NOT_READY)) throw refused(ctx, step, risks);
    const what = `nodes to be Ready before their kubelets restart: ${risks.map(({ node }) => node).join(', ')}`;
    return risks.length === 0 ? undefined : { what, missing: risks.map(({ node }) => `node/${node}`) };
  });
  if (!ready) throw refused(ctx, step, risks);
}

/** Tells of each, and makes the failure that names them. */
function refused(ctx: Context, step: Step, risks: readonly Risk[]): RerootError {
  for (const { node, condition, why, mend } of risks) {
    const message = `its kubelet is not restarted while it is ${said(condition)}: ${why}`;
    const data = { reason: 'node-at-risk', ways: [mend, waive(node)] };
    ctx.emit({ type: 'blocked', step: step.id, party: `node/${node}`, message, data });
  }
  const lines = risks.map(({ node, condition, why }) => `node/${node} is ${said(condition)}: ${why}`);
  const message = `a restart of these kubelets may fail pods, and none was begun${someLines(lines)}`;
  const ways = risks.slice(0, 3).map(({ mend }) => mend);
  return new RerootError(EXIT.blocked, message, { hints: [...ways, waive(risks[0]?.node ?? ''), GO_ON] });
}

const said = (condition: string): string => (condition in PRESSURE ? `under ${condition}` : condition);
const waive = (node: NodeName): string => `or restart it all the same: --waive node/${node}=REASON`;
