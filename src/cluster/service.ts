// Where a Service leads just now. Pods go and come at any time, so nobody keeps what this says.

import { type Cluster, isNotFound } from './client.ts';

export interface Address {
  host: string;
  port: number;
  /** The node of the Pod that listens there. */
  node?: string;
}

interface ServiceObject {
  spec?: { type?: string; externalName?: string; ports?: { port: number; name?: string }[] };
}
interface Slice {
  endpoints?: { addresses: string[]; nodeName?: string; conditions?: { ready?: boolean } }[];
  ports?: { name?: string; port?: number }[];
}

interface Service {
  namespace: string;
  name: string;
  port: number;
}
type Leads = Address[] | { why: string };

/** Where a Service leads: those that are ready alone where there are any; `why` where it leads nowhere. Throws when the API server does not tell. */
export type AddressBook = (service: Service) => Promise<Leads>;

/** For one look: each Service is asked for once, however many webhooks are behind it. */
export function addressBook(cluster: Cluster): AddressBook {
  const asked = new Map<string, Promise<Leads>>();
  return (service) => {
    const key = `${service.namespace}/${service.name}:${service.port}`;
    const known = asked.get(key) ?? addressesOf(cluster, service);
    asked.set(key, known);
    return known;
  };
}

async function addressesOf(cluster: Cluster, { name, namespace, port }: Service): Promise<Leads> {
  const path = `/api/v1/namespaces/${namespace}/services/${name}`;
  const found = await cluster.get<ServiceObject>(path).catch((thrown: unknown) => {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  });
  if (!found) return { why: `its Service ${namespace}/${name} does not exist` };
  const external = found.spec?.type === 'ExternalName' ? found.spec.externalName : undefined;
  if (external) return [{ host: external, port }];
  const slices = await cluster.list<Slice>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  const portName = found.spec?.ports?.find((one) => one.port === port)?.name ?? '';
  const all = slices.flatMap((slice) => {
    const target = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
    if (target === undefined) return [];
    return (slice.endpoints ?? []).flatMap(({ addresses, nodeName, conditions }) =>
      addresses.slice(0, 1).map((host) => ({
        ready: conditions?.ready !== false,
        address: { host, port: target, ...(nodeName === undefined ? {} : { node: nodeName }) } as Address,
      })),
    );
  });
  if (all.length === 0) return { why: `its Service ${namespace}/${name} has no endpoint` };
  const ready = all.filter((one) => one.ready);
  return (ready.length > 0 ? ready : all).map(({ address }) => address);
}
