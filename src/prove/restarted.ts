// restarted: the process is younger than everything it reads at its start only, and runs with the flags of its manifest. So it has loaded what
// lies there now. From the process table, never from what a restart command said.

import { type KubeconfigFact, rereadOf } from '../core/catalog/facts.ts';
import { type FileUse, fileUses } from '../core/catalog/stores-of.ts';
import type { PartyId } from '../core/model/ids.ts';
import type { Instance, StoreKind } from '../core/model/inventory.ts';
import type { Proof } from '../core/model/step.ts';
import type { Reread } from '../core/model/topology.ts';
import { changedFlags } from '../discover/findings-fleet.ts';
import { parseManifest } from '../discover/manifests.ts';
import { clock } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import { podsNow } from './pods-now.ts';
import { known } from './resolve.ts';

export async function restarted(proof: Proof, party: PartyId, ctx: LookContext): Promise<Look> {
  if (party.startsWith('pod/')) return restartedPod(proof, party, ctx);
  const instance = known(ctx).instances.get(party);
  if (!instance) return { value: undefined, evidence: 'it is no component instance that reroot knows' };
  const running = await ctx.tables.of(instance);
  if (!running) return { value: undefined, evidence: 'it does not run' };
  const { process, flags } = running;
  const manifest = 'manifest' in instance.management ? instance.management.manifest : undefined;
  const current: Instance = { ...instance, flags };
  delete current.nextFlags;
  const paths = new Set(
    fileUses(current)
      .filter((file) => isReadAtStart(file, instance.version))
      .map(({ path }) => path),
  );
  const files = await ctx.read(instance.node, [...paths, ...(manifest === undefined ? [] : [manifest])]);
  const about = `process ${process.pid} started ${clock(process.startedAt)}`;

  for (const path of paths) {
    const file = files.get(path);
    if (file?.kind === 'file' && file.changedAt >= process.startedAt) {
      return { value: undefined, evidence: `${about}, before the change of ${path} at ${clock(file.changedAt)}` };
    }
  }
  const next = manifest === undefined ? undefined : files.get(manifest);
  if (manifest !== undefined && next?.kind === 'file') {
    const [seen] = parseManifest(manifest, next.bytes.toString('utf8'), next.changedAt).filter(
      ({ component }) => component === instance.component,
    );
    const changed = seen ? changedFlags({ ...current, nextFlags: seen.flags }) : [];
    if (changed.length > 0)
      return {
        value: undefined,
        evidence: `${about} and runs with other flags than ${manifest}: --${changed.join(', --')}`,
      };
  }
  return { value: proof.keep[0], evidence: `${about}, after the last change of all that it reads at its start` };
}

/** A static pod: younger than the files of its node that it reads at its start. */
async function restartedPod(proof: Proof, party: PartyId, ctx: LookContext): Promise<Look> {
  const now = (await podsNow(ctx, new Set([party]))).get(party);
  if (!now) return { value: undefined, evidence: 'the API shows no such pod now' };
  const { topology, stores } = known(ctx);
  const read = topology.uses.filter((use) => use.party === party && use.reread === 'restart');
  const paths = read.flatMap(({ sources }) => sources.flatMap(({ store }) => stores.get(store)?.path ?? []));
  const files = await ctx.read(now.pod.node, paths);
  const about = `pod started ${clock(now.pod.startedAt)}`;
  for (const path of paths) {
    const file = files.get(path);
    if (file?.kind !== 'file') return { value: undefined, evidence: `${path} could not be read` };
    if (file.changedAt >= now.pod.startedAt)
      return { value: undefined, evidence: `${about}, before the change of ${path} at ${clock(file.changedAt)}` };
  }
  return { value: proof.keep[0], evidence: `${about}, after the last change of ${paths.join(' and ')}` };
}

/** What a start alone takes up. Of a controller manager also what it reads when it leads, which is never before its start. */
function isReadAtStart({ fact, kind }: FileUse, version: string | undefined): boolean {
  if (!fact) return false;
  const reread = 'flag' in fact ? rereadOfKubeconfig(fact, kind, version) : rereadOf(fact.reread, version);
  return reread !== 'at-once' && reread !== 'five-minutes';
}

function rereadOfKubeconfig({ reread }: KubeconfigFact, kind: StoreKind, version: string | undefined): Reread {
  if (kind === 'kubeconfig-ca' || kind === 'kubeconfig-client') return reread.embedded;
  return kind === 'bundle' ? rereadOf(reread.caFile, version) : reread.clientFile;
}
