// The staged material of an open rotation: both generations with their keys and the bridges, on every control-plane node, so that
// any machine with access can go on. 0600 files in a 0700 folder, and gone when the rotation ends.

import type { KeyObject } from 'node:crypto';
import { posix } from 'node:path';
import type { Authority } from '../core/model/ids.ts';
import { RerootError, reasonOf } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { makeDir, readFiles, writeFile } from '../nodes/files.ts';
import { runScript } from '../nodes/script.ts';
import { keyToPem, parseCertificates, parsePrivateKey } from '../pki/pem.ts';
import { DESTROY, DESTROY_LIMIT } from './destroy.ts';
import type { Folder } from './folder.ts';
import type { AuthorityMaterial, Generation } from './material.ts';
import type { AccessOf } from './record.ts';
import type { RotationRecord } from './record-types.ts';

/** Where a CA key lies while the rotation is open: `<pki>/reroot/staging/kubernetes-old.key`. */
export const keyFile = (folder: Folder, authority: Authority, generation: 'old' | 'new'): string =>
  posix.join(folder.staging, `${authority}-${generation}.key`);

/** Puts the CA keys of both generations beside the record. Certificates are in the record itself. */
export async function stageKeys(
  materials: readonly AuthorityMaterial[],
  folders: readonly Folder[],
  accessOf: AccessOf,
): Promise<void> {
  await Promise.all(
    folders.map(async (folder) => {
      const access = accessOf(folder.node);
      await makeDir(access, folder.staging, 0o700);
      for (const { path, key } of keysIn(folder, materials)) await writeKey(access, path, key);
    }),
  );
}

/** Every key that is known, and where it lies in this folder. */
const keysIn = (folder: Folder, materials: readonly AuthorityMaterial[]): { path: string; key: KeyObject }[] =>
  materials.flatMap((material) =>
    (['old', 'new'] as const).flatMap((which) => {
      const { key } = material[which];
      return key ? [{ path: keyFile(folder, material.authority, which), key }] : [];
    }),
  );

/** 0600. */
export const writeKey = (access: NodeAccess, path: string, key: KeyObject): Promise<void> =>
  writeFile(access, path, Buffer.from(keyToPem(key)), { mode: 0o600 });

/** Folders in which a key is missing that is known. */
export async function foldersWithoutKeys(
  materials: readonly AuthorityMaterial[],
  folders: readonly Folder[],
  accessOf: AccessOf,
): Promise<Folder[]> {
  const lacking = folders.map(async (folder) => {
    const paths = keysIn(folder, materials).map(({ path }) => path);
    const seen = await readFiles(accessOf(folder.node), paths);
    return paths.every((path) => seen.get(path)?.bytes !== undefined) ? [] : [folder];
  });
  return (await Promise.all(lacking)).flat();
}

/**
 * Reads the material of an open rotation back: certificates from the record, keys from the first node that has them whole. RerootError (3) where no node
 * has and one has something else in its place, unless the rotation is at its end: a crash may have come between the shredding of a key and its removal.
 */
export async function readStaged(
  { authorities, ending }: Pick<RotationRecord, 'authorities' | 'ending'>,
  folders: readonly Folder[],
  accessOf: AccessOf,
): Promise<AuthorityMaterial[]> {
  return Promise.all(
    authorities.map(async (record) => {
      const [oldCA, newCA] = [record.oldCA, record.newCA].map((pem) => parseCertificates(pem, 'the record')[0]);
      if (!oldCA || !newCA)
        throw new RerootError(3, `the record has no certificate for a generation of ${record.authority}`);
      const bridges: AuthorityMaterial['bridges'] = {};
      for (const [purpose, pem] of Object.entries(record.bridges)) {
        const bridge = parseCertificates(pem, `the record's ${purpose} bridge`)[0];
        if (bridge) bridges[purpose as keyof typeof bridges] = bridge;
      }
      const keyOf = async (which: 'old' | 'new') => {
        const { key, wrong } = await readKey(record.authority, which, folders, accessOf);
        if (!key && wrong && ending === undefined) throw wrong;
        return key;
      };
      const [oldKey, newKey] = await Promise.all([keyOf('old'), keyOf('new')]);
      return {
        authority: record.authority,
        route: record.route,
        because: record.because,
        old: generation(oldCA, oldKey),
        new: generation(newCA, newKey),
        bridges,
        external: record.external,
        ...(record.made ? { made: true } : {}),
      };
    }),
  );
}

const generation = (certificate: Generation['certificate'], key: Generation['key']): Generation =>
  key ? { certificate, key } : { certificate };

async function readKey(
  authority: Authority,
  which: 'old' | 'new',
  folders: readonly Folder[],
  accessOf: AccessOf,
): Promise<{ key?: KeyObject; wrong?: RerootError }> {
  let wrong: RerootError | undefined;
  for (const folder of folders) {
    const path = keyFile(folder, authority, which);
    const seen = (await readFiles(accessOf(folder.node), [path])).get(path);
    if (!seen?.bytes) continue;
    try {
      return { key: parsePrivateKey(Buffer.from(seen.bytes).toString('utf8'), `${folder.node}:${path}`) };
    } catch (thrown) {
      wrong ??= new RerootError(3, `the staged key ${path} on ${folder.node} is not a key: ${reasonOf(thrown)}`, {
        hints: ['copy the same file from another control-plane node over it, or from a backup'],
      });
    }
  }
  return wrong ? { wrong } : {};
}

/** Where the key of a CA that reroot made is left when the old one's was on no node: nobody else has it. 0600, on the first control plane. */
export const leftKeyPath = (folder: Folder, authority: Authority, rotation: string): string =>
  posix.join(folder.home, `${authority}-${rotation}.key`);

const REMOVE = `${DESTROY}
if [ -d "$1" ]; then destroy "$1"; fi
`;

/** Takes the staged keys away. */
export async function destroyStaged(folders: readonly Folder[], accessOf: AccessOf): Promise<void> {
  await Promise.all(
    folders.map(async (folder) => {
      const done = await runScript(accessOf(folder.node), REMOVE, [folder.staging], { timeout: DESTROY_LIMIT });
      if (done.code !== 0)
        throw new RerootError(4, `the staged keys on ${folder.node} could not be removed: ${done.stderr.trim()}`);
    }),
  );
}
