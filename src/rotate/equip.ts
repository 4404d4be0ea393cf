// A control plane that joined or was rebuilt while the rotation is open has nothing of it: neither the folder that the signer's file goes to nor the keys.

import type { Context } from './context.ts';
import { makeHomes } from './record.ts';
import { foldersWithoutKeys, stageKeys } from './staging.ts';
import { stopBefore } from './stop.ts';

/** Puts there what the others have. For a rotation that goes on; one that is at its end has no staged keys any more. */
export async function equip(ctx: Context): Promise<void> {
  stopBefore(ctx, 'the folders are looked at');
  await makeHomes(ctx.folders, ctx.accessOf);
  const lacking = await foldersWithoutKeys(ctx.materials, ctx.folders, ctx.accessOf);
  await stageKeys(ctx.materials, lacking, ctx.accessOf);
  for (const { node } of lacking) {
    const message = `${node} had no staged keys of this rotation (it joined or was rebuilt since): it has them now`;
    ctx.emit({ type: 'warning', party: `node/${node}`, message });
  }
}
