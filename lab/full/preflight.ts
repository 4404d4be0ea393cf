// What must be so before a full lab is made. Each check fails with the command that mends it, and leaves nothing.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, RerootError, wrongUse } from '../../src/errors.ts';
import { isRoot } from '../processes/identity.ts';
import { hierarchies, makeCgroups, removeCgroups } from './cgroups.ts';
import { PATH } from './command.ts';
import { LONGEST_FOLDER } from './place.ts';

const MIB = 1024 ** 2;

const notReady = (message: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.checkFailed, message, { hints });

/** Why this machine cannot have a full lab, in a sentence; undefined where it can. Writes nothing that stays. */
export async function preflightFull(): Promise<string | undefined> {
  try {
    await demandNamespaces();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof RerootError) return thrown.message;
    throw thrown;
  }
}

const TOOLS: Readonly<Record<string, string>> = {
  nsenter: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  ip: 'iproute2',
  cp: 'coreutils',
  'ssh-keygen': 'openssh-client',
};

const OTHERWISE = 'or take the process lab, which needs no rights: --kind processes';

/** Linux, root, the tools, and every kind of namespace, mount and device that a node is made of: each is tried once. */
export async function demandNamespaces(): Promise<void> {
  if (process.platform !== 'linux') throw notReady(`labs need Linux, and this is ${process.platform}`);
  if (!isRoot()) throw notReady('the full lab needs root', 'run it with sudo', OTHERWISE);
  for (const [tool, owner] of Object.entries(TOOLS)) {
    if (!hasTool(tool)) throw notReady(`there is no ${tool} in ${PATH}`, `apt-get install ${owner}`);
  }
  if (hierarchies().length === 0) throw notReady('there are no cgroups at /sys/fs/cgroup', OTHERWISE);
  tryNamespaces();
  await tryCgroups();
}

const hasTool = (tool: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore', env: { PATH } }).status === 0;

const ATTEMPT = [
  'set -e',
  'mount -t tmpfs tmpfs "$1"',
  'cd "$1"',
  'mkdir lower upper work root proc sys',
  'mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root',
  'mount -t proc proc proc',
  'mount -t sysfs sysfs sys',
  'hostname attempt',
  'ip link add bridge0 type bridge',
  'ip link add cable0 type veth peer name cable1',
].join('\n');

function tryNamespaces(): void {
  const folder = mkdtempSync(join(tmpdir(), 'reroot-attempt-'));
  const kinds = ['--mount', '--uts', '--ipc', '--pid', '--cgroup', '--net', '--fork', '--propagation', 'private'];
  try {
    const { status, stderr } = spawnSync('unshare', [...kinds, 'sh', '-c', ATTEMPT, 'attempt', folder], {
      encoding: 'utf8',
      env: { PATH },
    });
    if (status === 0) return;
    throw notReady(
      `this machine refuses namespaces or mounts: ${stderr.trim().split('\n').at(-1)}`,
      'in a container? it has to be a privileged one',
      OTHERWISE,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tryCgroups(): Promise<void> {
  const scope = `reroot-attempt-${process.pid}`;
  try {
    makeCgroups(scope, 'node');
  } catch (thrown) {
    throw notReady(`this machine refuses cgroups: ${thrown instanceof Error ? thrown.message : thrown}`, OTHERWISE);
  } finally {
    await removeCgroups(scope);
  }
}

/** Paths of it are in mount options and in ssh's configuration, where some characters would mean something. */
export function demandPlainFolder(dir: string): void {
  if (!/^\/[\w./@+-]+$/.test(dir))
    throw wrongUse(`a full lab cannot lie in ${dir}`, 'set REROOT_LABS to a folder with a plain name');
  if (Buffer.byteLength(dir) > LONGEST_FOLDER)
    throw wrongUse(
      `${dir} is too long for the sockets in it: ${LONGEST_FOLDER} bytes are possible`,
      'set REROOT_LABS to a shorter folder, or take a shorter --name',
    );
}

export const memoryNeeded = (controlPlanes: number, workers: number): number =>
  (300 + controlPlanes * 900 + workers * 250) * MIB;
const diskNeeded = (nodes: number): number => (300 + nodes * 200) * MIB;

export function demandFullRoom(labs: string, controlPlanes: number, workers: number): void {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const memory = memoryNeeded(controlPlanes, workers);
  if (available < memory)
    throw notReady(
      `the lab takes about ${memory / MIB} MiB of memory, and ${Math.round(available / MIB)} MiB are available`,
      controlPlanes > 1
        ? 'take a smaller one: --control-planes 1 --workers 1'
        : 'end something, such as another lab: reroot lab down --name NAME',
      OTHERWISE,
    );
  mkdirSync(labs, { recursive: true });
  const { bavail, bsize } = statfsSync(labs);
  const disk = diskNeeded(controlPlanes + workers);
  if (bavail * bsize < disk)
    throw notReady(
      `the lab takes up to ${disk / MIB} MiB in ${labs}, and ${Math.round((bavail * bsize) / MIB)} MiB are free`,
      'make room, or set REROOT_LABS to a folder where there is some',
    );
}
