// What the demo says before it begins: what will happen, how long it takes, and how much room.

export interface Outlook {
  kind: 'processes' | 'full';
  controlPlanes: number;
  workers: number;
}

export function outlook({ kind, controlPlanes, workers }: Outlook): string[] {
  if (kind === 'full') {
    return [
      'This is what happens now, as root, in namespaces and cgroups of its own; nothing of this machine’s network is touched:',
      `  1. a Kubernetes cluster by kubeadm on ${controlPlanes + workers} nodes, each with systemd, containerd, sshd and kubelet; CoreDNS, kube-proxy, and workloads of every kind`,
      '     (what it is made of is built once, 10 to 15 minutes, and cached; with the cache the cluster is up in 2 minutes)',
      '  2. load on it by clients of every kind, inside and outside of pods, with a baseline of 20 s before anything is touched',
      '  3. the Kubernetes CA and the front-proxy CA turned to the end of retire (6 to 10 minutes, 2 of them watching that old stays out)',
      '  4. what was measured, a report, and the lab taken down. It takes about 4 GB of memory and 10 GB of disk, most of it for building.',
    ];
  }
  return [
    'This is what happens now, on loopback addresses only, as the user you are:',
    '  1. a Kubernetes control plane of plain processes (the components are built once, 4 to 9 minutes, then cached)',
    '  2. load on it by a dozen kinds of clients, with a baseline of 20 s before anything is touched',
    '  3. the Kubernetes CA and the front-proxy CA turned to the end of retire (about 3 minutes, 2 of them watching that old stays out)',
    '  4. what was measured, a report, and the lab taken down. It takes about 1.5 GB of memory and 2 GB of disk.',
  ];
}
