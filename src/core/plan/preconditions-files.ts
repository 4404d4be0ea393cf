// Preconditions of what else a file or an object with certificates may hold: an intermediate between the authority and its leafs, and blocks that a write would lose.

import { clusterInfo } from '../catalog/published.ts';
import type { Survey } from '../catalog/survey.ts';
import { credentialOf, trustOf } from '../catalog/value-of.ts';
import type { StoreId } from '../model/ids.ts';
import type { CertFact, Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Refusal } from '../model/step.ts';
import type { Precondition } from './preconditions-cluster.ts';
import { short, usedStores, where } from './used-stores.ts';

/**
 * A CA between the root and the leafs, as external CAs have it. Leafs are judged by who signed them, so those of an intermediate would pass for somebody
 * else's: they would be left as they are, and old taken away from under them.
 */
function intermediates(survey: Survey): Refusal[] {
  return survey.rotation.authorities.flatMap((a) => {
    const found = new Map<string, Refusal>();
    for (const { store, by } of usedStores(survey)) {
      for (const ca of store.certs.filter((cert) => isIntermediate(cert, a))) {
        if (found.has(ca.fingerprint)) continue;
        found.set(ca.fingerprint, {
          reason: 'intermediate-ca',
          message: `${where(store)}, which ${by.id} reads, holds ${short(ca)}, an intermediate under ${short(a.old)}: reroot knows leafs that the ${a.authority} authority signed itself, and would take those of the intermediate for somebody else's`,
          hint: 'turn this hierarchy by the tool that keeps it; reroot turns an authority whose root signs its leafs',
        });
      }
    }
    return [...found.values()];
  });
}

/** Not a bridge of ours: that is the key of one of the two CAs under the other's name. */
function isIntermediate(cert: CertFact, a: AuthorityRotation): boolean {
  const isBridge = cert.spki === a.old.spki || cert.spki === a.new.spki;
  if (!cert.isCA || cert.selfSigned || isBridge) return false;
  return cert.signedBy.includes(a.old.fingerprint) || cert.issuerDer === a.old.subjectDer;
}

/** A bundle or a chain is written whole: what is no certificate in it would be gone. */
function otherBlocks(survey: Survey): Refusal[] {
  return [...writtenStores(survey)].flatMap(({ store, who, ways }) => {
    if (store.otherBlocks === undefined || !isOfThese(survey, store.certs)) return [];
    return [
      {
        reason: 'other-pem-blocks',
        message: `${where(store)}, ${who}, holds more than certificates (${store.otherBlocks.join(', ')}): a rotation writes such ${store.path ? 'files' : 'fields'} whole, and would lose it`,
        hint: ways ?? `give the certificates a file of their own, and keep the rest elsewhere: ${where(store)}`,
      },
    ];
  });
}

interface Written {
  store: Store;
  /** Whose it is, behind its name. */
  who: string;
  ways?: string;
}

/** What a rotation writes: the files of components, and for those that the API servers call what they serve and what they are verified by. */
function* writtenStores(survey: Survey): Iterable<Written> {
  const seen = new Set<StoreId>();
  for (const { store, by } of usedStores(survey)) {
    seen.add(store.id);
    yield { store, who: `which ${by.id} reads` };
  }
  const info = clusterInfo(survey);
  if (info) yield { store: info, who: 'which nodes that join read' };
  for (const { id, caBundle, servingStore } of survey.inventory.callees) {
    if (survey.isWaived(id)) continue;
    const named = [
      [servingStore, `which ${id} serves`],
      [caBundle, `by which API servers verify ${id}`],
    ] as const;
    for (const [place, who] of named) {
      const store = place === undefined ? undefined : survey.store(place);
      if (!store || seen.has(store.id)) continue;
      seen.add(store.id);
      const ways = `give the certificates a key or file of their own, and keep the rest elsewhere; or leave its CA and its certificate as they are: --waive ${id}=REASON`;
      yield { store, who, ways };
    }
  }
}

/** What is of other CAs is never written. */
const isOfThese = ({ rotation }: Survey, certs: readonly CertFact[]): boolean =>
  rotation.authorities.some((a) => trustOf(certs, a) !== 'none' || credentialOf(certs, a) !== 'other');

export const fileChecks: readonly Precondition[] = [intermediates, otherBlocks];
