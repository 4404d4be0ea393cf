// Which Services would be left without a ready endpoint if a pod went. A disruption budget says how many pods an owner wants; a Service
// without one must not go dark either.

/** The parts of a discovery.k8s.io/v1 EndpointSlice that are looked at. */
export interface EndpointSlice {
  metadata: { namespace?: string; labels?: Record<string, string> };
  endpoints?: Endpoint[];
}
export interface Endpoint {
  conditions?: { ready?: boolean; terminating?: boolean };
  nodeName?: string;
  targetRef?: { kind?: string; name?: string; uid?: string };
}

/** The Service that a slice is of. */
export const serviceOf = ({ metadata }: EndpointSlice): string | undefined =>
  metadata.labels?.['kubernetes.io/service-name'];

/** `ready` that is not said means ready (K:staging/src/k8s.io/api/discovery/v1/types.go). */
export const isReady = ({ conditions }: Endpoint): boolean =>
  conditions?.ready !== false && conditions?.terminating !== true;

/**
 * Services of which this pod is the only ready endpoint, not counting pods that have been sent away already: slices trail by moments.
 * Pods are told apart by uid.
 */
export function leftWithout(slices: readonly EndpointSlice[], uid: string, sentAway: ReadonlySet<string>): string[] {
  const ready = new Map<string, Set<string>>();
  for (const slice of slices) {
    const service = serviceOf(slice);
    if (service === undefined) continue;
    const of = ready.get(service) ?? new Set<string>();
    ready.set(service, of);
    for (const endpoint of slice.endpoints ?? []) {
      // An endpoint that is no pod (an address given by hand) stays.
      if (isReady(endpoint)) of.add(endpoint.targetRef?.uid ?? `other ${of.size}`);
    }
  }
  return [...ready]
    .filter(([, pods]) => pods.has(uid) && [...pods].every((one) => one === uid || sentAway.has(one)))
    .map(([service]) => service)
    .sort();
}
