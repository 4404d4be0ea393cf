// What is needed from Debian beyond Node, npm and Go: one list, one place. Installed only as root, and nothing is started by it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** A package, a file that shows that it is there, and what it is for. */
const PACKAGES = [
  { name: 'openssh-server', file: '/usr/sbin/sshd', for: 'tests' }, // nodes over ssh are tested against a real sshd on loopback
  { name: 'openssl', file: '/usr/bin/openssl', for: 'tests' }, // one of the judges of every certificate
  { name: 'mmdebstrap', file: '/usr/bin/mmdebstrap', for: 'full lab' }, // the nodes' root file system
  { name: 'debian-archive-keyring', file: '/usr/share/keyrings/debian-archive-keyring.gpg', for: 'full lab' },
  { name: 'iproute2', file: '/sbin/ip', for: 'full lab' }, // the nodes' network
  { name: 'openssh-client', file: '/usr/bin/ssh', for: 'full lab' }, // the way to the nodes
  { name: 'util-linux', file: '/usr/bin/nsenter', for: 'full lab' },
  { name: 'mount', file: '/usr/bin/mount', for: 'full lab' },
];
/** Debian's way to say that an installed service must not be started (invoke-rc.d(8)). */
const POLICY = '/usr/sbin/policy-rc.d';

/** Names of the packages that are not there. */
export function missingPackages(purpose) {
  return PACKAGES.filter((needed) => needed.for === purpose && !existsSync(needed.file)).map(({ name }) => name);
}

/** undefined where packages can be installed by this process, else why not. */
export function whyNoPackages() {
  if (!existsSync('/usr/bin/apt-get')) return 'there is no apt-get on this machine';
  return process.getuid?.() === 0 ? undefined : 'only root can install them';
}

/** Installs packages; undefined when that went well, else what apt-get said. */
export function installPackages(names) {
  const guarded = guardServices();
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) =>
      spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
      });
    const install = () => apt('install', '-y', '--no-install-recommends', ...names);
    if (install().status === 0) return undefined;
    apt('update');
    const done = install();
    return done.status === 0 ? undefined : lastLines(done.stderr || String(done.error ?? 'apt-get failed'));
  } finally {
    if (guarded) rmSync(POLICY, { force: true });
  }
}

const lastLines = (text) => text.trim().split('\n').slice(-5).join('\n  ');

/** Whether this process put the file there. One that a killed process left is taken over. */
function guardServices() {
  const mark = '# by reroot, process ';
  if (existsSync(POLICY)) {
    const [, pid] = readFileSync(POLICY, 'utf8').split(mark);
    if (pid === undefined || existsSync(`/proc/${Number.parseInt(pid, 10)}`)) return false;
  }
  writeFileSync(POLICY, `#!/bin/sh\n${mark}${process.pid}\nexit 101\n`, { mode: 0o755 });
  return true;
}

/** For the tests. Without root or apt-get it says what is missing and goes on: the tests that need it say that they are skipped. */
export function installDebianPackages() {
  const missing = missingPackages('tests');
  if (missing.length === 0) return;
  if (whyNoPackages()) {
    console.log(
      `Not installed, so what needs them is skipped: ${missing.join(', ')} (apt-get install ${missing.join(' ')})`,
    );
    return;
  }
  console.log(`Installing from Debian: ${missing.join(', ')}…`);
  const failure = installPackages(missing);
  if (failure) console.error(`They could not be installed:\n  ${failure}`);
}
