import type { ProbeContext } from './context.ts';
import { known } from './resolve.ts';

export interface Endpoint {
  host: string;
  port: number;
}

/** `10.0.0.1:6443`, `[fd00::1]:6443`. */
export function splitEndpoint(endpoint: string): Endpoint {
  const colon = endpoint.lastIndexOf(':');
  return { host: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)) };
}

/** Where a party serves, as far as discovery found it out. */
export function endpointOfParty(ctx: ProbeContext, party: string): Endpoint | undefined {
  const { instances, callees } = known(ctx);
  const endpoint = instances.get(party)?.endpoint ?? callees.get(party)?.endpoint;
  return endpoint === undefined ? undefined : splitEndpoint(endpoint);
}
