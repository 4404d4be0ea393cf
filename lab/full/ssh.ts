// How the host reaches the nodes: OpenSSH with keys of the lab's own, by a way into the hub's namespace.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabNode } from '../state.ts';
import { command } from './command.ts';
import { layerOf } from './node-files.ts';
import type { FullPlace } from './place.ts';

/** The key of whoever works on the nodes. */
export const makeUserKey = (place: FullPlace, signal?: AbortSignal): Promise<string> =>
  keygen(place, join(place.dir, 'id'), `lab-${place.lab.name}`, signal);

/** Made here, so that known_hosts can be written before anyone asks. */
export async function makeHostKey(place: FullPlace, node: LabNode, signal?: AbortSignal): Promise<void> {
  mkdirSync(layerOf(place, node.name, 'etc/ssh'), { recursive: true });
  await keygen(place, layerOf(place, node.name, 'etc/ssh/ssh_host_ed25519_key'), `root@${node.name}`, signal);
}

const keygen = (place: FullPlace, file: string, comment: string, signal?: AbortSignal): Promise<string> =>
  command(place, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file], signal ? { signal } : {});

export function writeSshConfig(place: FullPlace, rootfs: string): void {
  const keys = place.lab.nodes.map(({ name, address }) => {
    const [type, key] = readFileSync(layerOf(place, name, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
    return `${name},${address} ${type} ${key}\n`;
  });
  writeFileSync(join(place.dir, 'known_hosts'), keys.join(''));
  writeFileSync(place.sshConfig, sshConfigOf(place, rootfs));
}

/** `ssh -F FILE cp1`. The pipe is the nodes' own socat: the host need not have one. */
export const sshConfigOf = (place: FullPlace, rootfs: string): string =>
  [
    `# ssh -F ${place.sshConfig} cp1`,
    ...place.lab.nodes.flatMap(({ name, address }) => [`Host ${name} ${address}`, `  HostName ${address}`]),
    `Host ${place.lab.nodes.map(({ name, address }) => `${name} ${address}`).join(' ')}`,
    '  User root',
    `  IdentityFile ${join(place.dir, 'id')}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${join(place.dir, 'known_hosts')}`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
    `  ProxyCommand nsenter --net=${place.netns()} chroot ${rootfs} socat - TCP:%h:%p`,
    '  ControlMaster auto',
    `  ControlPath ${place.run('ssh-%n')}`,
    '  ControlPersist 30',
    '',
  ].join('\n');
