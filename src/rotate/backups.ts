// The copies that a rotation makes on each node before its first write. They hold old keys, so they go with the old CA.

import type { Inventory } from '../core/model/inventory.ts';
import { EXIT, RerootError } from '../errors.ts';
import { runScript } from '../nodes/script.ts';
import type { Context } from './context.ts';
import { DESTROY, DESTROY_LIMIT } from './destroy.ts';
import type { Folder } from './folder.ts';

/** Beside the record on control planes; elsewhere below the folder of the kubelet's client CA. undefined: nothing of the node is touched. */
export function backupFolder(
  folders: readonly Folder[],
  node: string,
  inventory: Inventory,
  id: string,
): string | undefined {
  const own = folders.find((folder) => folder.node === node);
  if (own) return own.backup(id);
  const kubelet = inventory.instances.find((instance) => instance.node === node && instance.component === 'kubelet');
  const clientCA = kubelet?.flags['client-ca-file']?.[0] ?? kubelet?.settings['authentication.x509.clientCAFile'];
  if (!clientCA) return undefined;
  return `${clientCA.slice(0, clientCA.lastIndexOf('/'))}/reroot/backup-${id}`;
}

// Only what has the name of a rotation (newRotationId): `reroot backup` and people put theirs beside them under other names, and keep them.
const REMOVE = `${DESTROY}
day='[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
for d in "$1"/backup-$day-??????; do
  [ -d "$d" ] || continue
  destroy "$d" || exit 1
done
[ "$2" = keep ] || rmdir -- "$1" 2>/dev/null
exit 0
`;

/** Removes every rotation's backup from a node: at the end of a rotation, and before one begins (then none is open, so they are leftovers). */
export async function removeBackups(
  ctx: Pick<Context, 'accessOf' | 'folders' | 'inventory'>,
  node: string,
): Promise<void> {
  const folder = backupFolder(ctx.folders, node, ctx.inventory, 'any');
  if (!folder) return;
  const home = folder.slice(0, folder.lastIndexOf('/'));
  const keep = ctx.folders.some((own) => own.node === node) ? 'keep' : 'remove';
  const done = await runScript(ctx.accessOf(node), REMOVE, [home, keep], { timeout: DESTROY_LIMIT });
  if (done.code === 0) return;
  throw new RerootError(
    EXIT.failedSafe,
    `the backups in ${home} on ${node} could not be removed: ${done.stderr.trim()}`,
    {
      hints: ['they hold keys of the old CA: remove them by hand, then run the same command again'],
    },
  );
}
