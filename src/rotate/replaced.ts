// Leafs that the rotation takes away, kept in its record: the way back puts exactly them into their places again, for as long as they are valid.

import type { Authority, StoreId } from '../core/model/ids.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { type Context, materialOf } from './context.ts';
import { saveRecord } from './keep-record.ts';

type Kept = Pick<Context, 'record'>;

const replacedOf = ({ record }: Kept, authority: Authority): Record<string, string> | undefined =>
  record.authorities.find((one) => one.authority === authority)?.replaced;

/** The leaf that was in this store first; undefined where none was taken away yet. */
export function keptLeaf(ctx: Kept, authority: Authority, id: StoreId): Certificate | undefined {
  const pem = replacedOf(ctx, authority)?.[id];
  return pem === undefined ? undefined : parseCertificates(pem, 'the record')[0];
}

/** PEM of the leaf that goes when `before` becomes `after`; undefined when it stays. */
export const replacedBy = (before: readonly Certificate[], after: readonly Certificate[]): string | undefined =>
  before[0] && before[0].fingerprint !== after[0]?.fingerprint ? before[0].pem : undefined;

/** Keeps the first leaf that was replaced in a store; later ones are of the rotation's own making. */
export function keepReplaced(ctx: Kept, authority: Authority, id: StoreId, pem: string | undefined): void {
  const replaced = replacedOf(ctx, authority);
  if (replaced && pem !== undefined) replaced[id] ??= pem;
}

/** To be called before the write: where the old CA's key is on no node nobody could issue such a leaf again, so it is on the nodes before it is gone. */
export async function saveReplaced(ctx: Context, authority: Authority): Promise<void> {
  if (!materialOf(ctx, authority).old.key) await saveRecord(ctx);
}
