// What its user does with a kubeconfig of their own once everything runs on new: a certificate from new, and the new CA beside the old one. On a full lab the host
// has a copy of the administrator's; on a process lab it is a link to the control plane's own, which the rotation has reissued.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `run` runs reroot with these arguments and throws when it fails. */
export async function renewOwnKubeconfig(
  dir: string,
  run: (args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const kubeconfig = join(dir, 'kubeconfig');
  await run(['kubeconfig', 'reissue', kubeconfig]);
  const get = ['get', 'configmap', '-n', 'kube-system', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}'];
  const ca = execFileSync(join(dir, 'bin/kubectl'), ['--kubeconfig', kubeconfig, ...get], { encoding: 'utf8' });
  const folder = mkdtempSync(join(tmpdir(), 'reroot-new-ca-'));
  try {
    writeFileSync(join(folder, 'new.crt'), ca);
    await run(['kubeconfig', 'add', '--ca', join(folder, 'new.crt'), kubeconfig]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
