import type { Target } from '../cluster/wire.ts';
import type { Callee } from '../core/model/inventory.ts';
import type { ProbeContext } from './context.ts';
import { known } from './resolve.ts';

export type Endpoint = Target;

/** `10.0.0.1:6443`, `[fd00::1]:6443`. */
export function splitEndpoint(endpoint: string): Endpoint {
  const colon = endpoint.lastIndexOf(':');
  return { host: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)) };
}

/** Where a party serves, as far as discovery found it out. */
export function endpointOfParty(ctx: ProbeContext, party: string): Endpoint | undefined {
  const { instances, callees } = known(ctx);
  const instance = instances.get(party);
  if (instance?.endpoint !== undefined) return { ...splitEndpoint(instance.endpoint), node: instance.node };
  const callee = callees.get(party);
  if (callee?.endpoint === undefined) return undefined;
  return { ...splitEndpoint(callee.endpoint), ...wayTo(callee) };
}

/** A callee that was not reached from here is reached through that node again. */
export const wayTo = ({ through }: Pick<Callee, 'through'>): Pick<Target, 'node' | 'through'> =>
  through === undefined ? {} : { node: through, through: true };
