import type { AddressBook } from '../cluster/service.ts';
import type { Target } from '../cluster/wire.ts';
import type { Callee } from '../core/model/inventory.ts';
import type { Proof } from '../core/model/step.ts';
import { joinEndpoint } from '../discover/endpoints.ts';
import { combined, safely } from './combine.ts';
import type { Look, LookContext } from './context.ts';
import { known, type Member } from './resolve.ts';

export type Endpoint = Target;

type Reached = Pick<Callee, 'endpoint' | 'through'>;

/** `10.0.0.1:6443`, `[fd00::1]:6443`. */
export function splitEndpoint(endpoint: string): Endpoint {
  const colon = endpoint.lastIndexOf(':');
  return { host: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)) };
}

/**
 * Where a party serves; none where that is not known or cannot be reached from here. What is behind a Service is asked of the cluster in each look: there
 * may be several Pods, which take things up one by one, and others than when the step was planned. Throws when the Service leads nowhere just now.
 */
async function endpointsOfParty(ctx: LookContext, party: string): Promise<Endpoint[]> {
  const { instances, callees } = known(ctx);
  const instance = instances.get(party);
  if (instance?.endpoint !== undefined) return [{ ...splitEndpoint(instance.endpoint), node: instance.node }];
  const callee = callees.get(party);
  return callee ? placesOf(ctx.addresses, callee) : [];
}

/** Where a callee serves now. Throws when its Service leads nowhere. */
export async function placesOf(
  addressesOf: AddressBook,
  { endpoint, through, service }: Reached & Pick<Callee, 'service'>,
): Promise<Endpoint[]> {
  if (!service) return endpoint === undefined ? [] : [{ ...splitEndpoint(endpoint), ...wayTo(through) }];
  const addresses = await addressesOf(service);
  if ('why' in addresses) throw new Error(addresses.why);
  // Pods that were not reached from here are reached through the node of each.
  const fromHere = endpoint !== undefined && through === undefined;
  return addresses.map(({ host, port, node }) => ({ host, port, ...wayTo(fromHere ? undefined : node) }));
}

/** Looks wherever a party serves: it is shown when each place shows it. `elsewise` is for one that serves nowhere that can be reached. */
export async function atEach(
  proof: Proof,
  { party }: Pick<Member, 'party'>,
  ctx: LookContext,
  look: (endpoint: Endpoint) => Promise<Look>,
  elsewise: () => Promise<Look> = async () => ({ value: undefined, evidence: NOWHERE }),
): Promise<Look> {
  const endpoints = await endpointsOfParty(ctx, party);
  if (endpoints.length === 0) return elsewise();
  const looks = endpoints.map(async (endpoint) => ({
    member: joinEndpoint(endpoint.host, endpoint.port),
    ...(await safely(() => look(endpoint))),
  }));
  return combined(await Promise.all(looks), proof.keep);
}

const NOWHERE = 'where it serves cannot be reached from here';

/** One that was not reached from here is reached through that node again. */
const wayTo = (through: string | undefined): Pick<Target, 'node' | 'through'> =>
  through === undefined ? {} : { node: through, through: true };
