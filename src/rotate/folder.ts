// The one folder of reroot on a control-plane node. Below pki, since a controller manager's pod mounts that and nothing else of /etc/kubernetes.

import { posix } from 'node:path';
import type { Inventory } from '../core/model/inventory.ts';
import { RerootError } from '../errors.ts';

export interface Folder {
  node: string;
  /** `<pki>/reroot`, 0700. */
  home: string;
  /** The signer's certificate and key in one file, so that one rename switches both (trap 8). Stays after the rotation. */
  signer: string;
  /** What the controller manager publishes as kube-root-ca.crt. Stays after the rotation. */
  rootCA: string;
  record: string;
  /** Both generations with keys and the bridges; gone when the rotation ends. */
  staging: string;
  backup: (rotation: string) => string;
}

/** The folder on each control-plane node, from where its API server reads client CAs. */
export function foldersOf(inventory: Inventory): Folder[] {
  const folders = inventory.instances
    .filter((instance) => instance.component === 'kube-apiserver')
    .map((instance) => {
      const clientCA = instance.flags['client-ca-file']?.[0];
      if (!clientCA) {
        throw new RerootError(
          3,
          `${instance.id} runs without --client-ca-file: reroot does not know where its CA lies`,
          {
            hints: ['reroot inspect shows the flags that were found'],
          },
        );
      }
      return folderAt(instance.node, posix.join(posix.dirname(clientCA), 'reroot'));
    });
  return folders.sort((a, b) => a.node.localeCompare(b.node));
}

export function folderAt(node: string, home: string): Folder {
  return {
    node,
    home,
    signer: posix.join(home, 'signer.pem'),
    rootCA: posix.join(home, 'root-ca.crt'),
    record: posix.join(home, 'record.json'),
    staging: posix.join(home, 'staging'),
    backup: (rotation) => posix.join(home, `backup-${rotation}`),
  };
}
