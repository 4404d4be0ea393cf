// The CA that a cluster has before a rotation begins: one certificate, with its key where a node has it.

import type { Authority } from '../core/model/ids.ts';
import type { AuthorityFact, CertFact, Inventory } from '../core/model/inventory.ts';
import { usersOf } from '../discover/users.ts';
import { EXIT, RerootError } from '../errors.ts';
import { readFiles } from '../nodes/files.ts';
import type { Certificate } from '../pki/certificate.ts';
import { matches } from '../pki/keys.ts';
import { generationIn } from '../pki/make-ca.ts';
import { parseCertificates, parsePrivateKey } from '../pki/pem.ts';
import type { Generation } from './material.ts';
import type { AccessOf } from './record.ts';

/** The CA in use now, with its key where a node has it. */
export async function oldGeneration(
  authority: Authority,
  fact: AuthorityFact | undefined,
  inventory: Inventory,
  accessOf: AccessOf,
): Promise<Generation> {
  if (!fact || fact.anchors.length === 0) {
    throw new RerootError(EXIT.blocked, `${authority}: no CA of it was found in this cluster`, {
      hints: ['reroot inspect shows what was found; --authority chooses which authorities to turn'],
    });
  }
  refuseDiffering(authority, inventory);
  const anchor = anchorInUse(authority, fact, inventory);
  const certificate = await readAnchor(authority, anchor, inventory, accessOf);
  for (const { node, path, fingerprint } of fact.keys) {
    if (fingerprint !== anchor.fingerprint) continue;
    const seen = (await readFiles(accessOf(node), [path])).get(path);
    if (!seen?.bytes) continue;
    const key = parsePrivateKey(Buffer.from(seen.bytes).toString('utf8'), `${node}:${path}`);
    if (matches(certificate, key)) return { certificate, key };
  }
  return { certificate };
}

/**
 * The one CA that is trusted. Of several, the one that signed what is in use, where no other did: a CA of people's own may stand beside it, and stays. One of a
 * like name is of another rotation, whoever began it. Throws blocked where it cannot be told.
 */
export function anchorInUse(authority: Authority, { anchors }: AuthorityFact, inventory: Inventory): CertFact {
  const [only, ...more] = anchors;
  if (only && more.length === 0) return only;
  const used = usersOf(inventory);
  const leafs = inventory.stores.flatMap(({ id, certs: [leaf] }) => (leaf && !leaf.isCA && used.has(id) ? [leaf] : []));
  const [signer, ...others] = anchors.filter(({ fingerprint }) =>
    leafs.some(({ signedBy }) => signedBy.includes(fingerprint)),
  );
  const isAlone = signer !== undefined && others.length === 0;
  if (isAlone && anchors.every((ca) => ca === signer || stemOf(ca) !== stemOf(signer))) return signer;
  const names = anchors.map(({ subject, fingerprint }) => `${subject} (${fingerprint.slice(0, 16)})`).join(', ');
  throw new RerootError(
    EXIT.blocked,
    `${authority}: ${anchors.length} CAs are trusted now and reroot has no rotation open: ${names}`,
    {
      hints: [
        'another rotation was left half done, it seems: finish or undo it by the tool that began it, so that one CA is left',
        'a CA that has nothing to do with it may stay, where it signed nothing that components use and has a name of its own',
      ],
    },
  );
}

/** What the names of a CA's generations share: `kubernetes` of `CN=kubernetes-ca-2026-11-27`. */
const stemOf = ({ subject }: CertFact): string => generationIn(subject.toLowerCase().replace(/^cn=/, '')).stem;

async function readAnchor(
  authority: Authority,
  anchor: CertFact,
  inventory: Inventory,
  accessOf: AccessOf,
): Promise<Certificate> {
  const store = inventory.stores.find(
    ({ kind, node, path, certs }) =>
      kind === 'bundle' && node && path && certs.some(({ fingerprint }) => fingerprint === anchor.fingerprint),
  );
  if (store?.node && store.path) {
    const seen = (await readFiles(accessOf(store.node), [store.path])).get(store.path);
    const found = seen?.bytes
      ? parseCertificates(Buffer.from(seen.bytes).toString('utf8'), store.id).find(
          ({ fingerprint }) => fingerprint === anchor.fingerprint,
        )
      : undefined;
    if (found) return found;
  }
  throw new RerootError(EXIT.failedSafe, `${authority}: the certificate of ${anchor.subject} could not be read again`);
}

/** Several CAs that are not the same ones on every control plane: not another rotation, but a node that somebody forgot. */
function refuseDiffering(authority: Authority, inventory: Inventory): void {
  const flag = authority === 'front-proxy' ? 'requestheader-client-ca-file' : 'client-ca-file';
  const servers = inventory.instances.flatMap(({ component, node, flags }) => {
    const path = component === 'kube-apiserver' ? flags[flag]?.at(-1) : undefined;
    const store = inventory.stores.find((one) => path !== undefined && one.node === node && one.path === path);
    return store && !store.fault ? [{ node, certs: store.certs }] : [];
  });
  const held = servers.map(({ certs }) => [...new Set(certs.map(({ fingerprint }) => fingerprint))].sort().join());
  if (new Set(held).size <= 1) return;
  const name = ({ subject, fingerprint }: CertFact): string => `${subject} ${fingerprint.slice(0, 8)}`;
  const list = servers.map(({ node, certs }) => `${node}: ${certs.map(name).join(' + ') || 'none'}`);
  throw new RerootError(
    EXIT.blocked,
    `control-planes-disagree: the API servers trust different CAs for ${authority} (${list.join('; ')})`,
    { hints: [`copy the right CA file to all control-plane nodes first (--${flag})`] },
  );
}
