// How a component is restarted: what reroot.yaml says, else what started it.

import type { Management } from '../core/model/inventory.ts';

/** `unit` names come from the process's cgroup: systemd gives each service one of its own (systemd.resource-control(5)). */
export function managementOf(from: {
  command: string | undefined;
  manifest: string | undefined;
  cgroup: string;
}): Management {
  const { command, manifest, cgroup } = from;
  if (command !== undefined) return { by: 'command', command, ...(manifest === undefined ? {} : { manifest }) };
  if (manifest !== undefined && inContainer(cgroup)) return { by: 'static-pod', manifest };
  const unit = /\/([^/]+\.service)(?:\/|$)/.exec(cgroup)?.[1];
  return unit === undefined || inContainer(cgroup) ? { by: 'unknown' } : { by: 'unit', unit };
}

/** Paths that the kubelet and container runtimes make for containers (cgroupfs and systemd drivers). */
const inContainer = (cgroup: string): boolean => /kubepods|cri-containerd|crio-|docker[-/]|libpod/.test(cgroup);
