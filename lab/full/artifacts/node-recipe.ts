// What a node's root file system consists of: Debian packages, and the files that make a Kubernetes node of them. Data only.

/** Without recommended packages. */
export const NODE_PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'kmod', 'procps', 'mount', 'util-linux', 'hostname'],
  ...['containerd', 'runc', 'containernetworking-plugins', 'conntrack', 'socat', 'iptables', 'nftables', 'ebtables'],
  ...['iproute2', 'iputils-ping', 'ethtool', 'netbase', 'ca-certificates', 'openssl', 'curl', 'less', 'sudo'],
  // Static: the shell and the tools of the lab's own image.
  'busybox-static',
] as const;

/** Never unpacked (dpkg(1), --path-exclude): nobody reads them here. */
export const LEFT_OUT = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'] as const;

/** systemd's units that make no sense where the kernel, its devices and its clock belong to the host. */
const MASKED = [
  ...['systemd-udevd.service', 'systemd-udevd-kernel.socket', 'systemd-udevd-control.socket'],
  ...['systemd-resolved.service', 'systemd-networkd.service', 'systemd-timesyncd.service', 'systemd-logind.service'],
  ...['systemd-modules-load.service', 'systemd-sysctl.service', 'systemd-remount-fs.service', 'systemd-pstore.service'],
  ...['sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-kernel-config.mount'],
  ...['sys-fs-fuse-connections.mount', 'dev-hugepages.mount', 'dev-mqueue.mount'],
  ...['getty.target', 'console-getty.service', 'systemd-tmpfiles-clean.timer'],
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'],
] as const;

export interface Tree {
  folders: readonly string[];
  /** By path below the root. */
  files: Readonly<Record<string, string>>;
  /** Symbolic links, and what they say. */
  links: Readonly<Record<string, string>>;
  /** Removed, whatever they are. */
  without: readonly string[];
}

const UNITS = 'usr/lib/systemd/system';

/** What the packages of kubeadm and the kubelet bring to a node, and the settings of a node in a lab. `pause` is the sandbox image. */
export const nodeTree = (pause: string): Tree => ({
  folders: ['etc/kubernetes/manifests', 'etc/cni/net.d', 'var/lib/kubelet', 'var/lib/containerd', 'var/lib/etcd'],
  files: {
    [`${UNITS}/kubelet.service`]: KUBELET,
    [`${UNITS}/kubelet.service.d/10-kubeadm.conf`]: KUBEADM,
    // Debian's unit loads a kernel module first, which is the host's to do.
    'etc/systemd/system/containerd.service.d/lab.conf': '[Service]\nExecStartPre=\n',
    'etc/containerd/config.toml': containerdConfig(pause),
    // Empty: systemd makes one at the node's first start.
    'etc/machine-id': '',
  },
  links: {
    'opt/cni/bin': '/usr/lib/cni',
    'etc/systemd/system/default.target': `/${UNITS}/multi-user.target`,
    'etc/systemd/system/multi-user.target.wants/kubelet.service': `/${UNITS}/kubelet.service`,
    ...Object.fromEntries(MASKED.map((unit) => [`etc/systemd/system/${unit}`, '/dev/null'])),
    ...Object.fromEntries(['kubeadm', 'kubelet', 'kubectl'].map((name) => [`usr/bin/${name}`, 'kube'])),
  },
  // Each node has keys of its own.
  without: ['rsa', 'ecdsa', 'ed25519'].flatMap((type) => [
    `etc/ssh/ssh_host_${type}_key`,
    `etc/ssh/ssh_host_${type}_key.pub`,
  ]),
});

/** As kubernetes/release has it, but for a shorter pause and no wait for a network that the lab has made already. */
const KUBELET = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
After=containerd.service

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=2

[Install]
WantedBy=multi-user.target
`;

/** The drop-in of kubeadm's package. */
const KUBEADM = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

/** restrict_oom_score_adj: a root that may not lower oom_score_adj (no CAP_SYS_RESOURCE) could start no container otherwise. */
const containerdConfig = (pause: string): string => `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
`;
