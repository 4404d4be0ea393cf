// Writes: files with their mode and owner kept, objects by patches of the one field with a precondition. Each write begins with a
// look at what is there now; when that is not what the inventory saw, somebody else is at work and reroot stops.

import pLimit from 'p-limit';
import { parseFileId, type StoreId } from '../core/model/ids.ts';
import type { Instance, Store } from '../core/model/inventory.ts';
import type { Step } from '../core/model/step.ts';
import type { Value } from '../core/model/value.ts';
import { EXIT, RerootError } from '../errors.ts';
import { type FileSeen, readFiles, writeFile, writeLinked } from '../nodes/files.ts';
import { newContent } from './content.ts';
import { type Context, materialOf } from './context.ts';
import { refuseFronts } from './fronts.ts';
import { keepReplaced, saveReplaced } from './replaced.ts';
import { followed } from './restart.ts';
import { writeObject } from './write-object.ts';

/** Files written at the same time. Each is a few short commands on a node. */
const limit = pLimit(8);

export async function writeStores(ctx: Context, step: Step, stores: readonly StoreId[], value: Value): Promise<void> {
  await refuseFronts(ctx, step, stores, value);
  const results = await Promise.allSettled(
    stores.map((id) =>
      limit(() => (parseFileId(id) ? writeFileStore(ctx, step, id, value) : writeObject(ctx, step, id, value))),
    ),
  );
  const failed = results.filter((result): result is PromiseRejectedResult => result.status === 'rejected');
  if (failed.length > 0) throw failed[0]?.reason;
}

async function writeFileStore(ctx: Context, step: Step, id: StoreId, value: Value): Promise<void> {
  const place = parseFileId(id);
  if (!place) throw new Error(`${id} is not a file`);
  const access = ctx.accessOf(place.node);
  const known = ctx.inventory.stores.find((store) => store.id === id);
  const seen = (await readFiles(access, [place.path])).get(place.path);
  if (seen?.kind === 'fault' && seen.reason !== 'absent')
    throw new RerootError(EXIT.failedSafe, `${id} cannot be read: ${seen.fault}`);
  const material = materialOf(ctx, step.authority);
  const template = await templateFor(ctx, id, known, seen);
  const next = await newContent({ ctx, id, store: known, value, material, current: template });
  if (seen?.bytes && Buffer.compare(Buffer.from(seen.bytes), next.bytes) === 0) return;
  keepReplaced(ctx, step.authority, id, next.replaced);
  if (next.replaced !== undefined) await saveReplaced(ctx, step.authority);
  const options = {
    ...(next.mode === undefined ? {} : { mode: next.mode }),
    ...(next.owner === undefined ? {} : { owner: next.owner }),
    expect: seen?.bytes ? seen.sha256 : 'absent',
  };
  if (next.keyFile) await writeFile(access, next.keyFile.path, next.keyFile.bytes);
  const write = () =>
    seen?.bytes && seen.target !== undefined
      ? writeLinked(access, place.path, next.bytes, options)
      : writeFile(access, place.path, next.bytes, options);
  const pod = staticPodOf(ctx, place);
  if (pod) await followed(ctx, step, 0, pod, write);
  else await write();
}

/** The component whose static pod this manifest is: its kubelet restarts it as soon as the file changes (K:pkg/kubelet/config/file_linux.go). */
function staticPodOf(ctx: Context, { node, path }: { node: string; path: string }): Instance | undefined {
  return ctx.inventory.instances.find(
    (one) => one.node === node && one.management.by === 'static-pod' && one.management.manifest === path,
  );
}

/** The file itself, or, for one reroot makes first, the file whose place it takes (the controller manager's CA file). */
async function templateFor(
  ctx: Context,
  id: StoreId,
  known: Store | undefined,
  seen: FileSeen | undefined,
): Promise<FileSeen | undefined> {
  if (seen?.bytes || known?.kind === 'pair') return seen;
  const place = parseFileId(id);
  const folder = ctx.folders.find(({ node }) => node === place?.node);
  if (!place || place.path !== folder?.rootCA) return seen;
  const manager = ctx.inventory.instances.find(
    ({ node, component }) => node === place.node && component === 'kube-controller-manager',
  );
  const source = manager?.flags['root-ca-file']?.[0];
  if (!source) return seen;
  return (await readFiles(ctx.accessOf(place.node), [source])).get(source);
}
