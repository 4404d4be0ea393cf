// A control plane that joined or was rebuilt while the rotation is open has nothing of it: neither the folder that the signer's file goes to nor the keys.

import { readFiles } from '../nodes/files.ts';
import type { Context } from './context.ts';
import { makeHomes } from './record.ts';
import { keyFile, stageKeys } from './staging.ts';
import { stopBefore } from './stop.ts';

/** Puts there what the others have. For a rotation that goes on; one that is at its end has no staged keys any more. */
export async function equip(ctx: Context): Promise<void> {
  stopBefore(ctx, 'the folders are looked at');
  await makeHomes(ctx.folders, ctx.accessOf);
  const lacks = await Promise.all(
    ctx.folders.map(async (folder) => {
      const paths = ctx.materials.flatMap((material) =>
        (['old', 'new'] as const).flatMap((which) =>
          material[which].key ? [keyFile(folder, material.authority, which)] : [],
        ),
      );
      const seen = await readFiles(ctx.accessOf(folder.node), paths);
      return paths.some((path) => seen.get(path)?.bytes === undefined);
    }),
  );
  const lacking = ctx.folders.filter((_, i) => lacks[i]);
  if (lacking.length === 0) return;
  await stageKeys(ctx.materials, lacking, ctx.accessOf);
  for (const { node } of lacking) {
    const message = `${node} had no staged keys of this rotation (it joined or was rebuilt since): it has them now`;
    ctx.emit({ type: 'warning', party: `node/${node}`, message });
  }
}
