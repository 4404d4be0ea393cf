// What must be so of a request for a kubelet's serving certificate before reroot approves it: that it is the very one reroot made, asked
// for by that node, for that node's names and addresses and nothing else. Kubernetes leaves this to the approver (kubelet-serving has
// no approver of its own, for nobody but the owner of the nodes knows their addresses).

import type { Csr } from '../cluster/csr.ts';
import { reasonOf } from '../errors.ts';
import { type CSR, parseCSR } from '../pki/csr.ts';

export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';

export interface NodeAddress {
  /** `Hostname`, `InternalIP`, `ExternalIP`, `InternalDNS`, `ExternalDNS`. */
  type: string;
  address: string;
}

export interface WantedServing {
  node: string;
  /** Of the Node object. */
  addresses: readonly NodeAddress[];
  /** The request as reroot made it, PEM, and the object the API answered with when it was created. */
  request: string;
  created: { name: string; uid?: string };
  /** SHA-256 of the SubjectPublicKeyInfo of the node's key, hex. */
  spki: string;
}

/** Every reason not to approve. Empty: it may be. Pure. */
export function reasonsNotToApprove(csr: Csr, wanted: WantedServing): string[] {
  const pem = Buffer.from(csr.spec.request ?? '', 'base64').toString('utf8');
  return [
    ...ofObject(csr, wanted),
    ...ofRequester(csr, wanted),
    ...ofUsages(csr),
    ...(pem === wanted.request ? [] : ['its request is not the one that was made']),
    ...ofRequest(pem, wanted),
  ];
}

function ofObject({ metadata, spec, status }: Csr, { created }: WantedServing): string[] {
  const found: string[] = [];
  if (metadata.name !== created.name || metadata.uid === undefined || metadata.uid !== created.uid)
    found.push('it is not the object that was created');
  if (spec.signerName !== KUBELET_SERVING) found.push(`it is for the signer ${spec.signerName}`);
  if (spec.expirationSeconds !== undefined) found.push('it asks for a lifetime of its own');
  if (status?.certificate) found.push('it has a certificate already');
  const [condition] = status?.conditions ?? [];
  if (condition) found.push(`somebody has judged it already: ${condition.type}`);
  return found;
}

const GROUPS: ReadonlySet<string> = new Set(['system:nodes', 'system:authenticated']);

function ofRequester({ spec }: Csr, { node }: WantedServing): string[] {
  const found: string[] = [];
  if (spec.username !== `system:node:${node}`)
    found.push(`it was asked for by ${spec.username ?? 'nobody'}, not by ${node}`);
  const groups = spec.groups ?? [];
  if (!groups.includes('system:nodes')) found.push('its requester is not of the group system:nodes');
  const more = groups.filter((group) => !GROUPS.has(group));
  if (more.length > 0) found.push(`its requester is also of ${more.join(', ')}`);
  return found;
}

/** K:pkg/apis/certificates/helpers.go: what a kubelet serves with; the second only for keys that can encipher. */
const USAGES: ReadonlySet<string> = new Set(['digital signature', 'key encipherment', 'server auth']);

function ofUsages({ spec: { usages = [] } }: Csr): string[] {
  const lacking = ['digital signature', 'server auth'].filter((usage) => !usages.includes(usage));
  const more = usages.filter((usage) => !USAGES.has(usage));
  return [
    ...(lacking.length > 0 ? [`it lacks the usage ${lacking.join(', ')}`] : []),
    ...(more.length > 0 ? [`it asks for the usage ${more.join(', ')} as well`] : []),
  ];
}

function ofRequest(pem: string, wanted: WantedServing): string[] {
  let request: CSR;
  try {
    request = parseCSR(pem, 'the request');
  } catch (thrown) {
    return [reasonOf(thrown)];
  }
  const found: string[] = [];
  const { commonName, organizations } = request;
  if (commonName !== `system:node:${wanted.node}`) found.push(`its subject is ${request.subject}, not this node's`);
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    found.push(`its organizations are ${organizations.join(', ') || 'none'}, not system:nodes alone`);
  if (request.spki !== wanted.spki) found.push("its key is not the node's");
  return [...found, ...ofNames(request, wanted)];
}

const DNS: ReadonlySet<string> = new Set(['Hostname', 'InternalDNS', 'ExternalDNS']);
const IP: ReadonlySet<string> = new Set(['InternalIP', 'ExternalIP']);

/** Every name and address is one of the Node object (K:pkg/kubelet/certificate/kubelet.go addressesToHostnamesAndIPs). */
function ofNames({ dnsNames, ipAddresses }: CSR, { addresses }: WantedServing): string[] {
  const of = (types: ReadonlySet<string>) =>
    new Set(addresses.filter(({ type }) => types.has(type)).map(({ address }) => canonical(address)));
  // A node may give an address as its host name.
  const names = of(DNS);
  const ips = new Set([...of(IP), ...names]);
  const strange = [
    ...dnsNames.filter((name) => !names.has(canonical(name))),
    ...ipAddresses.filter((address) => !ips.has(canonical(address))),
  ];
  if (dnsNames.length + ipAddresses.length === 0) return ['it names no address at all'];
  return strange.length > 0 ? [`it names ${strange.join(', ')}, which the Node object does not have`] : [];
}

/** Names without case; IPv6 addresses in one spelling. */
function canonical(address: string): string {
  if (!address.includes(':')) return address.toLowerCase();
  try {
    return new URL(`http://[${address}]`).hostname.slice(1, -1);
  } catch {
    return address.toLowerCase();
  }
}
