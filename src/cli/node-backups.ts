// What a backup on the nodes has for a restore: where it lies on each node, what is in it, and which nodes have nothing of it.

import type { RestorePlan } from '../backup/restore.ts';
import { itemsOfNodeBackup, type RestoreItem } from '../backup/restore-files.ts';
import type { NodeName } from '../core/model/ids.ts';
import type { Inventory } from '../core/model/inventory.ts';
import { some } from '../core/model/some.ts';
import { wrongUse } from '../errors.ts';
import { type NodeAccess, NodeUnreachable } from '../nodes/access.ts';
import { FileFailed } from '../nodes/files.ts';
import { backupFolder } from '../rotate/backups.ts';
import { type Folder, folderAt, foldersOf } from '../rotate/folder.ts';

export interface Places {
  dirs: Map<NodeName, string>;
  /** Where an open rotation would be recorded. */
  folders: Folder[];
  /** Nodes without such a place, and why. */
  left: RestorePlan['left'];
}

/** Of these nodes, or of all that there are. Throws wrongUse for a name that no node has. */
export function placesByInventory(inventory: Inventory, id: string, wanted: readonly NodeName[]): Places {
  const names = inventory.nodes.map(({ name }) => name);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw wrongUse(`the cluster has no node ${unknown}`, `it has ${some(names, 10)}`);
  const places: Places = { dirs: new Map(), folders: foldersOf(inventory), left: [] };
  for (const { name, reached, why } of inventory.nodes) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const dir = backupFolder(places.folders, name, inventory, id);
    if (reached && dir !== undefined) places.dirs.set(name, dir);
    else places.left.push(leftOut(name, reached ? NO_PLACE : (why ?? 'it was not reached')));
  }
  return places;
}

const NO_PLACE = 'there is no folder of a CA that a backup could lie beside';

const leftOut = (node: NodeName, why: string): RestorePlan['left'][number] => ({ what: `node/${node}`, why });

/** Of nodes that were named, while no API server tells which there are. */
export function placesByName(nodes: readonly NodeName[], pki: string, id: string): Places {
  const folders = [...new Set(nodes)].map((node) => folderAt(node, `${pki}/reroot`));
  return { dirs: new Map(folders.map((folder) => [folder.node, folder.backup(id)])), folders, left: [] };
}

/** The files in all of them. A node that is away or has no such backup is told in `left`; one whose backup is damaged ends it all. */
export async function itemsAt(
  places: Places,
  accessOf: (node: NodeName) => NodeAccess,
): Promise<{ items: RestoreItem[]; left: RestorePlan['left'] }> {
  const items: RestoreItem[] = [];
  const left = [...places.left];
  for (const [node, dir] of places.dirs) {
    try {
      const own = await itemsOfNodeBackup(accessOf(node), dir);
      if (own) items.push(...own);
      else left.push(leftOut(node, `no whole backup is there: ${dir}`));
    } catch (thrown) {
      if (!(thrown instanceof NodeUnreachable || thrown instanceof FileFailed)) throw thrown;
      left.push(leftOut(node, thrown.message));
    }
  }
  return { items, left };
}
