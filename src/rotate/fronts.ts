// Before a component's kubeconfig trusts one CA alone: what its node meets at the server in it must be accepted by that one (trap 22). The API
// servers themselves were proved by the gate; this is what stands before them.

import { type Caller, callersOf, isForeign, type Place, trusts } from '../core/catalog/fronts.ts';
import type { StoreId } from '../core/model/ids.ts';
import type { AuthorityRotation } from '../core/model/rotation.ts';
import { someLines } from '../core/model/some.ts';
import type { Step } from '../core/model/step.ts';
import { type Value, verifies } from '../core/model/value.ts';
import { type FrontSeen, lookAtFronts } from '../discover/fronts.ts';
import { EXIT, RerootError } from '../errors.ts';
import { credentialIn, describeChain, factsIn } from '../prove/chain.ts';
import type { Context } from './context.ts';
import { untilNothingIsOpen } from './patience.ts';
import { probeContext } from './probes.ts';
import { GO_ON } from './tell.ts';

/** Milliseconds for a load balancer to come back to API servers that serve: as long as the proof of these may take (wait.ts). */
const LIMIT = 60_000;

/** Throws RerootError (blocked) that names each server that would not be accepted, or was not met, and its nodes. Waits a minute for it. */
export async function refuseFronts(ctx: Context, step: Step, stores: readonly StoreId[], value: Value): Promise<void> {
  const authority = ctx.rotation.authorities.find((one) => one.authority === step.authority);
  if (authority?.authority !== 'kubernetes' || (value !== 'new' && value !== 'old')) return;
  let open = callersAt(ctx, authority, stores);
  if (open.length === 0) return;
  let lines: string[] = [];
  const nodes = (): string[] => [...new Set(open.map(({ node }) => node))];
  const accepted = await untilNothingIsOpen(ctx, step, { limit: LIMIT, every: 500 }, async () => {
    const faults = await faultsAt(ctx, authority, open, value);
    open = open.filter((caller) => faults.has(placeOf(caller)));
    lines = [...faults].map(([place, why]) => `${place}: ${why}`).sort();
    const what = `the servers of kubeconfigs: ${lines[0]}`;
    return open.length === 0 ? undefined : { what, missing: nodes().map((node) => `node/${node}`) };
  });
  if (!accepted) throw notAccepted(step, lines, nodes());
}

/** Kubeconfigs among these stores that components use, but those whose node was waived. */
function callersAt(ctx: Context, authority: AuthorityRotation, stores: readonly StoreId[]): Caller[] {
  const wanted = new Set(stores);
  const seen = new Map(ctx.inventory.stores.flatMap((store) => (wanted.has(store.id) ? [[store.id, store]] : [])));
  if (seen.size === 0) return [];
  const waived = new Set(ctx.rotation.waivers.map(({ party }) => party));
  return callersOf(ctx.inventory.instances, seen).filter(
    (caller) => trusts(caller, authority) && !waived.has(`node/${caller.node}`) && !waived.has(caller.party),
  );
}

/** As it is told; two names at one server are two lines. */
const placeOf = ({ node, server, serverName }: Place): string =>
  `${server}${serverName === undefined ? '' : ` (as ${serverName})`} from ${node}`;

/** By server and node, why it would not be accepted. */
async function faultsAt(
  ctx: Context,
  authority: AuthorityRotation,
  callers: readonly Caller[],
  value: 'old' | 'new',
): Promise<Map<string, string>> {
  const seen = new Map((await lookAtFronts(callers, ctx.dial)).map((front) => [placeOf(front), front]));
  const faults = new Map<string, string>();
  for (const caller of callers) {
    const front = seen.get(placeOf(caller));
    const fault = front ? faultOf(ctx, authority, caller, front, value) : undefined;
    if (fault) faults.set(placeOf(caller), fault);
  }
  return faults;
}

function faultOf(
  ctx: Context,
  authority: AuthorityRotation,
  caller: Caller,
  front: FrontSeen,
  value: 'old' | 'new',
): string | undefined {
  const { served, why } = front;
  if (!served) return `it showed no certificate: ${why}`;
  const probe = probeContext(ctx);
  if (isForeign(factsIn(probe, served), caller, authority))
    return `it serves ${describeChain(served)}, from neither CA`;
  if (verifies(value, credentialIn(probe, served, authority))) return undefined;
  return `it serves ${describeChain(served)}, which ${value} alone does not accept`;
}

const notAccepted = (step: Step, lines: readonly string[], nodes: readonly string[]): RerootError =>
  new RerootError(
    EXIT.blocked,
    `not begun: ${step.title}: clients would be cut off from the server in their kubeconfig${someLines(lines)}`,
    {
      hints: [
        'let what stands there pass TLS through to the API servers, and make it answer',
        `or give the node up: --waive node/${nodes[0]}=REASON`,
        GO_ON,
      ],
    },
  );
