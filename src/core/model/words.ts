// Stores, parties, values and proofs in the words of the field, for explanations. No decisions here.

import { parseFileId, type StoreId, type UseId } from './ids.ts';
import { some } from './some.ts';
import type { Proof } from './step.ts';
import type { Use } from './topology.ts';
import type { Credential, Trust, Value } from './value.ts';

/** `file/cp1:/etc/x.crt` is `cp1:/etc/x.crt`; `object/ConfigMap/ns/name#key` is `ConfigMap ns/name#key`. Others stay. */
export function storeWords(id: StoreId): string {
  const file = parseFileId(id);
  if (file) return `${file.node}:${file.path}${file.part ? ` (${file.part})` : ''}`;
  const object = /^object\/([^/]+)\/([^/]*)\/(.*)$/.exec(id);
  if (object) return `${object[1]} ${object[2] ? `${object[2]}/` : ''}${object[3]}`;
  return id;
}

const trustWords: Record<Trust, string> = {
  old: 'trusts old only',
  new: 'trusts new only',
  both: 'trusts old and new',
  none: 'trusts neither old nor new',
};

const credentialWords: Record<Credential, string> = {
  old: 'a leaf from old',
  new: 'a leaf from new without the bridge',
  'new+bridge': 'a leaf from new with the bridge',
  'old+reverse': 'a leaf from old with the reverse bridge',
  other: 'a leaf from another CA',
};

export const verifierWords = (value: Trust): string => trustWords[value];

/** Tokens have no chain, so nothing is said of bridges. */
export function presenterWords(use: Use, value: Credential): string {
  if (use.authority === 'service-account') return `presents a token signed with the ${value} key`;
  // Clients' bridges are the exception: that one lacks it is no news.
  if (use.kind === 'presents-as-client' && value === 'new') return 'presents a leaf from new';
  return `presents ${credentialWords[value]}`;
}

export const credentialKind = (presenter: Use): string => {
  if (presenter.authority === 'service-account') return 'token';
  const role = presenter.kind === 'presents-as-server' ? 'server certificate' : 'client certificate';
  return presenter.authority === 'kubernetes' ? role : `${role} (${presenter.authority})`;
};

export const faultWords: Partial<Record<Value, string>> = {
  bundle: 'more than one certificate, and the signer wants exactly one',
  mismatched: 'a certificate that its key does not fit',
  absent: 'no certificate and key',
  none: 'no CA',
};

const list = (ids: readonly string[]): string => some(ids, 4);

const or = (values: readonly Value[]): string =>
  values.filter((value) => value !== 'other' && value !== 'none').join(' or ');

/** Grouped by what is common: `/etc/x.crt on cp1, cp2`, `cp1/kube-apiserver, cp2/kube-apiserver (client-ca)`. */
function grouped(ids: readonly string[], split: (id: string) => [common: string, each: string]): [string, string][] {
  const groups = new Map<string, string[]>();
  for (const id of ids) {
    const [common, each] = split(id);
    const group = groups.get(common);
    if (group) group.push(each);
    else groups.set(common, [each]);
  }
  return [...groups].map(([common, each]) => [common, list(each)]);
}

function storesWords(ids: readonly StoreId[]): string {
  const groups = grouped(ids, (id) => {
    const file = parseFileId(id);
    return file ? [`${file.path}${file.part ? ` (${file.part})` : ''}`, file.node] : ['', storeWords(id)];
  });
  return groups.map(([path, where]) => (path === '' ? where : `${path} on ${where}`)).join('; ');
}

function usesWords(ids: readonly UseId[]): string {
  const groups = grouped(ids, (id) => {
    const colon = id.lastIndexOf(':');
    return colon < 0 ? ['', id] : [id.slice(colon + 1), id.slice(0, colon)];
  });
  return groups.map(([use, who]) => (use === '' ? who : `${who} (${use})`)).join('; ');
}

/** A proof as something still to be shown. */
export function proofWords(proof: Proof): string {
  const stores = () => storesWords(proof.of);
  const parties = () => usesWords(proof.of);
  switch (proof.kind) {
    case 'holds':
      return `${stores()} read back as ${or(proof.keep)}`;
    case 'published':
      return `${stores()} published as ${or(proof.keep)} everywhere`;
    case 'settled':
      return `${stores()} settled at ${or(proof.keep)}`;
    case 'serves':
      return `${parties()} shown to serve ${or(proof.keep)} (a fresh handshake with each)`;
    case 'accepts':
      return `${parties()} shown to trust ${or(proof.keep)} (probe with a client of each generation)`;
    case 'presents':
      return `${parties()} shown to present ${or(proof.keep)}`;
    case 'restarted':
      return `${list(proof.of)} restarted, and shown to be, after that was so`;
    case 'signs':
      return `${parties()} shown to sign with ${or(proof.keep)} (a probe CSR)`;
    case 'loaded':
      return `${parties()} shown to have loaded ${or(proof.keep)}, or restarted after that was there`;
  }
}
