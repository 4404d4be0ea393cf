// The lab's network: a namespace with a bridge (the hub), one namespace a node with a cable to it. Nothing of the host's network is touched.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LabNode } from '../state.ts';
import { command } from './command.ts';
import { unmountBelow } from './mounts.ts';
import { type FullPlace, podNetworkOf } from './place.ts';

/**
 * The hub: the bridge carries the load balancer's address, and leads nowhere else. Every other address is the hub's own, and nothing listens there: a
 * client that asks for a Service before kube-proxy is there is refused at once, and does not wait half a minute for a connection.
 */
export async function makeHub(place: FullPlace, signal?: AbortSignal): Promise<void> {
  await makeNamespace(place, place.netns(), signal);
  await inside(
    place,
    place.netns(),
    [
      'link set lo up',
      'link add lab type bridge',
      `addr add ${place.lab.loadBalancer}/24 dev lab`,
      'link set lab up',
      ...place.lab.nodes.map((node) => `route add ${podNetworkOf(node)} via ${node.address}`),
      'route add local default dev lo',
    ],
    signal,
  );
}

/** A node's own network, with a route to the pods of each other node. Made anew at each start of the node. */
export async function plugIn(place: FullPlace, node: LabNode, signal?: AbortSignal): Promise<void> {
  const file = place.netns(node.name);
  await makeNamespace(place, file, signal);
  await inside(
    place,
    place.netns(),
    [`link add ${node.name} type veth peer name eth0 netns ${file}`, `link set ${node.name} master lab up`],
    signal,
  );
  await inside(place, file, nodeNetwork(place, node), signal);
  await forward(place, file, signal);
}

const nodeNetwork = (place: FullPlace, node: LabNode): string[] => [
  'link set lo up',
  `addr add ${node.address}/24 dev eth0`,
  'link set eth0 up',
  `route add default via ${place.lab.loadBalancer}`,
  ...place.lab.nodes
    .filter(({ name }) => name !== node.name)
    .map((other) => `route add ${podNetworkOf(other)} via ${other.address}`),
];

/** The cable first: the kernel takes its time with a namespace that nobody uses any more, and its name would be taken that long. */
export async function unplug(place: FullPlace, node: string): Promise<void> {
  const cut = ['nsenter', `--net=${place.netns()}`, 'ip', 'link', 'delete', node];
  await command(place, cut).catch(() => undefined);
  unmountBelow(place.netns(node));
  rmSync(place.netns(node), { force: true });
}

/** A network namespace that stays while this file is bound to it (unshare(1)): no name of it is anywhere but in the lab's folder. */
async function makeNamespace(place: FullPlace, file: string, signal?: AbortSignal): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  await command(place, ['unshare', `--net=${file}`, 'true'], signal ? { signal } : {});
}

/** A setting of the namespace alone. */
const forward = (place: FullPlace, file: string, signal?: AbortSignal): Promise<string> =>
  command(
    place,
    ['nsenter', `--net=${file}`, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'],
    signal ? { signal } : {},
  );

const inside = (place: FullPlace, file: string, lines: readonly string[], signal?: AbortSignal): Promise<string> =>
  command(place, ['nsenter', `--net=${file}`, 'ip', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    ...(signal ? { signal } : {}),
  });
