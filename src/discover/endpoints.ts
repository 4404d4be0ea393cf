// Where a component serves TLS, from its flags.

import type { Instance } from '../core/model/inventory.ts';
import { flag } from './argv.ts';

/** Secure ports by default (K:cmd/…/options, K:pkg/cluster/ports/ports.go). */
const PORTS: Record<string, string> = {
  'kube-apiserver': '6443',
  'kube-controller-manager': '10257',
  'kube-scheduler': '10259',
  kubelet: '10250',
};

/**
 * host:port, as another machine reaches it where it can be. A component that listens on 127.0.0.1 only, as kubeadm's controller managers and schedulers do, is
 * reached through its own node.
 */
export function endpointOf(
  instance: Pick<Instance, 'component' | 'flags' | 'settings'>,
  nodeAddress: string | undefined,
): string | undefined {
  if (instance.component === 'etcd') return etcdEndpoint(instance.flags);
  const { flags, settings } = instance;
  // Only the kubelet's `port` is its TLS port; elsewhere a flag of that name is an old plain one.
  const kubeletPort = instance.component === 'kubelet' ? (flag(flags, 'port') ?? settings.port) : undefined;
  const port = flag(flags, 'secure-port') ?? kubeletPort ?? PORTS[instance.component];
  if (port === undefined || port === '0') return undefined;
  const bound = flag(flags, 'bind-address') ?? flag(flags, 'address') ?? settings.address;
  const candidates = [bound, flag(flags, 'advertise-address'), nodeAddress];
  const host = candidates.find((address) => address !== undefined && address !== '' && !isEverywhere(address));
  return host === undefined ? undefined : joinEndpoint(host, port);
}

function etcdEndpoint(flags: Instance['flags']): string | undefined {
  const urls = (flag(flags, 'listen-client-urls') ?? flag(flags, 'advertise-client-urls') ?? '').split(',');
  const secure = urls.filter((url) => url.startsWith('https://')).map((url) => new URL(url));
  const reachable = secure.find(({ hostname }) => !isLoopback(hostname)) ?? secure[0];
  return reachable ? joinEndpoint(reachable.hostname, reachable.port || '443') : undefined;
}

const isEverywhere = (address: string): boolean => ['0.0.0.0', '::', '[::]'].includes(address);
export const isLoopback = (address: string): boolean => ['127.0.0.1', '::1', '[::1]', 'localhost'].includes(address);
/** `10.0.0.1:6443`, `[fd00::1]:6443`. */
export const joinEndpoint = (host: string, port: string | number): string =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
