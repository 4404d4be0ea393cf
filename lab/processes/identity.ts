// As whom a lab's processes run: an ordinary user without any capability, whoever started the lab.

import { spawnSync } from 'node:child_process';

/** `nobody` of every Linux distribution (the kernel's overflow user id). */
export const NOBODY = 65534;

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The words to put before a command so that it runs as the lab's user, without capabilities and without a way to gain any. */
export function asLabUser(): string[] {
  const drop = ['--inh-caps=-all', '--no-new-privs'];
  if (!isRoot()) return ['setpriv', ...drop];
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--bounding-set=-all', ...drop];
}

/**
 * The words that give a command the host name `name` in a user namespace of its own. Leases are held under the host name, and the
 * control planes of a lab would otherwise all have the same. Inside, the command has no capability either.
 */
export function withHostName(name: string): string[] {
  const script = 'hostname "$0" && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"';
  return ['unshare', '--map-root-user', '--uts', 'sh', '-c', script, name];
}

/** Whether this machine lets an ordinary user make a user namespace. */
export function hostNamesAllowed(): boolean {
  const [command = '', ...args] = [...asLabUser(), ...withHostName('probe'), 'true'];
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/**
 * Whether the lab's user can run this file and read what it needs to: root's own folders are closed to it. `env` is in between because
 * setpriv itself still has capabilities at the moment it starts something.
 */
export function labUserCan(command: readonly string[]): boolean {
  const [first = '', ...rest] = [...asLabUser(), 'env', ...command];
  return spawnSync(first, rest, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}
