// Looks for private keys on nodes where none may be: files that others than their owner may read, logs, reroot's own record.

import type { FullLab } from './harness.ts';

/** A PEM key, and the same as base64, as kubeconfigs and Secrets hold it. */
const KEY = 'BEGIN [A-Z ]*PRIVATE KEY|LS0tLS1CRUdJTi(BSU0EgUFJJVkFURSBLRV|BFQyBQUklWQVRFIEtFW|BQUklWQVRFIEtFW)';
const PLACES = '/etc /home /root /run /tmp /var/lib/kubelet /var/tmp';

/** `node:path` of what was found; empty is good. */
export async function openKeysOn(lab: FullLab): Promise<string[]> {
  const found = await Promise.all(
    lab.nodes.map(async (node) => {
      const script = `
        find ${PLACES} -xdev -type f -perm /044 -size -512k -print0 2>/dev/null | xargs -0r grep -lE '${KEY}' || true
        find /var/log /etc/kubernetes/pki/reroot -type f \\( -path '/var/log/*' -o -name record.json \\) -print0 2>/dev/null | xargs -0r grep -lE '${KEY}' || true
        journalctl -o cat 2>/dev/null | grep -cE '${KEY}' | sed '/^0$/d; s/$/ lines of the journal/'`;
      const lines = (await lab.on(node, script, { timeout: 120_000 })).trim().split('\n');
      return lines.filter((line) => line !== '').map((line) => `${node}:${line}`);
    }),
  );
  return found.flat().sort();
}

/** Whether any of this, as it was said, has a private key in it. */
export const saysAKey = (...said: readonly unknown[]): boolean => new RegExp(KEY).test(JSON.stringify(said));
