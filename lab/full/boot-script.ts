// How a node starts: two shell scripts, the second inside its namespaces, which ends in the node's systemd.

import { join } from 'node:path';
import { type Hierarchy, isUnified } from './cgroups.ts';
import { PATH } from './command.ts';
import type { FullPlace } from './place.ts';

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'kmsg'];

/**
 * What a kubelet sets for the whole machine (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables): these are not a namespace's own. A
 * node sees them as set already, so that its kubelet leaves the host's alone.
 */
const TUNABLES: Readonly<Record<string, number>> = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

export interface Boot {
  /** To be run as `sh -c OUTER boot INNER`. Its process is the parent of the node's first one, and takes it along when it ends. */
  outer: string;
  inner: string;
}

/** cgroups first: in the namespace of another network /sys would show them no more. */
export function bootOf(place: FullPlace, node: string, rootfs: string, all: readonly Hierarchy[]): Boot {
  const joinAll = all.map(({ at }) => `echo $$ > ${join(at, place.scope, node, 'cgroup.procs')}`);
  const apart = '--mount --uts --ipc --pid --cgroup --fork --kill-child --propagation private';
  return {
    outer: ['set -eu', ...joinAll, `exec nsenter --net=${place.netns(node)} unshare ${apart} sh -c "$1" boot`, ''].join(
      '\n',
    ),
    inner: [
      'set -eu',
      `R=${place.node(node, 'root')}`,
      `hostname ${node}`,
      ...rootFileSystem(place, node, rootfs),
      ...kernelFileSystems(),
      ...cgroupFileSystems(all),
      ...devices(),
      ...keptFolders(place, node),
      'cd $R',
      'mkdir -p .old',
      'pivot_root . .old',
      'umount -l /.old',
      'rmdir /.old',
      'mount --make-rshared /',
      `exec env -i container=lab REROOT_LAB=${place.dir} PATH=${PATH} /sbin/init </dev/null >>/var/log/console.log 2>&1`,
      '',
    ].join('\n'),
  };
}

const rootFileSystem = (place: FullPlace, node: string, rootfs: string): string[] => {
  const layer = place.node(node, 'layer');
  return [
    `mount -t overlay -o lowerdir=${rootfs},upperdir=${layer}/upper,workdir=${layer}/work lab $R`,
    'mount --make-private $R',
  ];
};

const kernelFileSystems = (): string[] => [
  'mount -t proc -o nosuid,nodev,noexec proc $R/proc',
  'mount -t sysfs -o nosuid,nodev,noexec sysfs $R/sys',
  'mount -t tmpfs -o mode=0755 run $R/run',
  'mkdir $R/run/tunables',
  // Written at the host's expense otherwise: all but net is the same in every namespace.
  'for d in kernel vm fs; do mount --bind $R/proc/sys/$d $R/proc/sys/$d; mount -o remount,bind,ro $R/proc/sys/$d; done',
  ...Object.entries(TUNABLES).flatMap(([path, value], i) => [
    `if [ -e $R/proc/sys/${path} ]; then`,
    `  echo ${value} > $R/run/tunables/${i}; mount --bind $R/run/tunables/${i} $R/proc/sys/${path}`,
    'fi',
  ]),
];

/** Inside the cgroup namespace each hierarchy begins at the node's own group. */
function cgroupFileSystems(all: readonly Hierarchy[]): string[] {
  if (isUnified(all)) return ['mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 $R/sys/fs/cgroup'];
  return [
    'mount -t tmpfs -o mode=0755 cgroup $R/sys/fs/cgroup',
    ...all.flatMap(({ name, type, options }) => [
      `mkdir $R/sys/fs/cgroup/${name}`,
      `mount -t ${type}${options === '' ? '' : ` -o ${options}`} cgroup $R/sys/fs/cgroup/${name}`,
    ]),
  ];
}

const devices = (): string[] => [
  'mount -t tmpfs -o mode=0755 dev $R/dev',
  `for d in ${DEVICES.join(' ')}; do touch $R/dev/$d; mount --bind /dev/$d $R/dev/$d; done`,
  'mkdir $R/dev/pts $R/dev/shm $R/dev/mqueue',
  'mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts $R/dev/pts',
  'ln -s pts/ptmx $R/dev/ptmx',
  'mount -t tmpfs shm $R/dev/shm',
  'ln -s /proc/self/fd $R/dev/fd',
  'for i in 0 1 2; do ln -s /proc/self/fd/$i $R/dev/$(echo stdin stdout stderr | cut -d" " -f$((i + 1))); done',
];

/** Not on the overlay: containerd stacks overlays of its own, and etcd has a disk of its own. */
const keptFolders = (place: FullPlace, node: string): string[] => [
  `for v in containerd kubelet etcd; do`,
  `  [ -d ${place.node(node)}/$v ] || continue`,
  `  mkdir -p $R/var/lib/$v; mount --bind ${place.node(node)}/$v $R/var/lib/$v`,
  'done',
];
