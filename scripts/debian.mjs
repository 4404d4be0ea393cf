// What the tests need from Debian beyond Node, npm and Go: one list, one place. Only as root, and nothing is started by it.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** A file that shows that the package is there, and the package. */
const NEEDED = [
  { file: '/usr/sbin/sshd', package: 'openssh-server' }, // nodes over ssh are tested against a real sshd on loopback
  { file: '/usr/bin/openssl', package: 'openssl' }, // one of the judges of every certificate
];
/** Debian's way to say that an installed service must not be started (invoke-rc.d(8)). */
const POLICY = '/usr/sbin/policy-rc.d';

/** Installs what is missing. Without root or apt-get it says what is missing and goes on: the tests that need it say that they are skipped. */
export function installDebianPackages() {
  const missing = NEEDED.filter(({ file }) => !existsSync(file)).map((needed) => needed.package);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.log(
      `Not installed, so what needs them is skipped: ${missing.join(', ')} (apt-get install ${missing.join(' ')})`,
    );
    return;
  }
  console.log(`Installing from Debian: ${missing.join(', ')}…`);
  const guarded = !existsSync(POLICY);
  if (guarded) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) =>
      spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status;
    if (apt('install', '-y', '--no-install-recommends', ...missing) === 0) return;
    apt('update');
    if (apt('install', '-y', '--no-install-recommends', ...missing) !== 0)
      console.error('They could not be installed.');
  } finally {
    if (guarded) rmSync(POLICY, { force: true });
  }
}
