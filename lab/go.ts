// Which Go is here, and whether it is new enough.

import { spawnSync } from 'node:child_process';
import { EXIT, RerootError } from '../src/errors.ts';

export interface Go {
  version: string;
  /** Where it keeps what it has compiled. */
  cache: string;
}

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

/** The `go 1.26.0` line of a go.mod. */
export function goDirective(goMod: string): string {
  const version = /^go (\d+\.\d+(?:\.\d+)?)$/m.exec(goMod)?.[1];
  if (!version) throw new Error('a go.mod without a go line');
  return version;
}

/** Go since 1.21 fetches a newer Go by itself when a go.mod asks for it, unless GOTOOLCHAIN forbids that. */
export function findGo(needed: string, env: NodeJS.ProcessEnv = process.env): Go {
  const asked = spawnSync('go', ['env', '-json', 'GOVERSION', 'GOTOOLCHAIN', 'GOCACHE'], {
    env,
    encoding: 'utf8',
    cwd: '/',
  });
  if (asked.error) {
    throw notReady(
      `a lab is built with Go ${needed} or newer, and there is no go in PATH`,
      'apt-get install golang-go, if it is 1.21 or newer (it fetches the rest), or https://go.dev/dl/',
      'then: export PATH=$PATH:/usr/local/go/bin',
    );
  }
  if (asked.status !== 0) throw notReady(`"go env" failed: ${asked.stderr.trim()}`);
  const { GOVERSION = '', GOTOOLCHAIN = '', GOCACHE = '' } = JSON.parse(asked.stdout) as Record<string, string>;
  const version = GOVERSION.replace(/^go/, '').split(' ')[0] ?? '';
  const fetches = !olderThan(version, '1.21') && GOTOOLCHAIN !== 'local' && !GOTOOLCHAIN.startsWith('go');
  if (olderThan(version, needed) && !fetches) {
    throw notReady(
      `a lab is built with Go ${needed} or newer, and this is ${version || 'unknown'}`,
      olderThan(version, '1.21')
        ? 'a newer one: https://go.dev/dl/'
        : 'let Go fetch it: GOTOOLCHAIN=auto reroot lab up',
    );
  }
  return { version: olderThan(version, needed) ? `${version}+${needed}` : version, cache: GOCACHE };
}

export function olderThan(version: string, than: string): boolean {
  const numbers = (text: string): number[] => text.split(/[.rcbeta]+/).map((part) => Number(part) || 0);
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < b.length; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0);
  return false;
}
