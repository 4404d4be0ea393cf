// Preconditions of the material: files that can be read and fit together, one generation in use, the same one on every control plane.

import { MANAGER, signs } from '../catalog/manager.ts';
import type { Survey } from '../catalog/survey.ts';
import { trustOf } from '../catalog/value-of.ts';
import { fileId } from '../model/ids.ts';
import type { Store } from '../model/inventory.ts';
import type { AuthorityRotation } from '../model/rotation.ts';
import type { Refusal } from '../model/step.ts';
import type { Precondition } from './preconditions-cluster.ts';
import { isOneOf, short, usedStores, where } from './used-stores.ts';

const refuse = (reason: string, message: string, hint: string): Refusal => ({ reason, message, hint });

function oldCANotFound(survey: Survey): Refusal[] {
  return survey.rotation.authorities.flatMap((a) => {
    const fact = survey.inventory.authorities.find((one) => one.authority === a.authority);
    if (!fact || fact.anchors.length === 0 || fact.anchors.some((ca) => isOneOf(ca, a))) return [];
    return [
      refuse(
        'old-ca-not-found',
        `${a.authority}: ${a.old.subject} (${a.old.fingerprint.slice(0, 12)}) is not trusted anywhere in this cluster`,
        'reroot inspect shows the CAs that are in use',
      ),
    ];
  });
}

function sharedCA({ rotation }: Survey): Refusal[] {
  const [first, ...rest] = rotation.authorities;
  if (!first) return [];
  return rest
    .filter((a) => a.old.fingerprint === first.old.fingerprint)
    .map((a) =>
      refuse(
        'authorities-share-a-ca',
        `${first.authority} and ${a.authority} are the same CA here (${a.old.subject}): any client certificate may then speak for any user through the front proxy`,
        'give the front proxy a CA of its own first; reroot does not rotate one CA in two roles',
      ),
    );
}

function malformed(survey: Survey): Refusal[] {
  return [...usedStores(survey)]
    .filter(({ store }) => store.fault !== undefined)
    .map(({ store, by }) =>
      refuse(
        'malformed-store',
        `${where(store)}, which ${by.id} reads, could not be understood: ${store.fault}`,
        `look at it on its node: ${store.path ?? store.id}`,
      ),
    );
}

/** What a component is told there decides which files it reads: nobody can say what a restart would make of the others. */
function unreadConfigurations(survey: Survey): Refusal[] {
  return survey.inventory.instances
    .filter(({ id }) => !survey.isWaived(id))
    .flatMap(({ id, node, faults = [] }) =>
      faults.map(({ path, fault }) =>
        refuse(
          'malformed-store',
          `${node}:${path}, the configuration of ${id}, could not be understood: ${fault}`,
          `look at it on its node: ${path}; or give the component up: --waive ${id}=REASON`,
        ),
      ),
    );
}

function mismatched(survey: Survey): Refusal[] {
  return [...usedStores(survey)].flatMap(({ store, by }) => {
    const [leaf, ...more] = store.certs;
    if (!leaf || store.keySpki === undefined || store.keySpki === leaf.spki) return [];
    if (store.kind === 'bundle' && more.length > 0) return [];
    return [
      refuse(
        'pair-mismatch',
        `${where(store)}: the key ${store.keyPath ?? ''} does not fit ${leaf.subject}; ${by.id} would not start with it`,
        'put back the certificate and key that belong together, both from the same backup',
      ),
    ];
  });
}

/** Control planes whose API servers trust different CAs: which of them would be old? */
function disagreeing(survey: Survey): Refusal[] {
  return survey.rotation.authorities.flatMap((a) => {
    const flag = a.authority === 'front-proxy' ? 'requestheader-client-ca-file' : 'client-ca-file';
    const seen = survey.instances('kube-apiserver').flatMap((server) => {
      const path = server.flags[flag]?.at(-1);
      const store = path ? survey.store(fileId(server.node, path)) : undefined;
      return store && !store.fault ? [{ server, store }] : [];
    });
    const without = seen.filter(({ store }) => trustOf(store.certs, a) === 'none');
    const strangers = seen.map(({ store }) => foreign(store, a));
    if (without.length === 0 && new Set(strangers).size <= 1) return [];
    const list = seen.map(({ server, store }) => `${server.node}: ${store.certs.map(short).join(' + ') || 'none'}`);
    return [
      refuse(
        'control-planes-disagree',
        `the API servers trust different CAs for ${a.authority} (${list.join('; ')})`,
        `copy the right CA file to all control-plane nodes first (--${flag})`,
      ),
    ];
  });
}

/** Anchors beside ours, in any order. */
const foreign = (store: Store, a: AuthorityRotation): string =>
  store.certs
    .filter((cert) => !isOneOf(cert, a))
    .map((cert) => cert.fingerprint)
    .sort()
    .join();

/** A CA beside old that signed certificates which are in use: another rotation was left half done. A CA that only stands there is fine. */
function unknownGeneration(survey: Survey): Refusal[] {
  return survey.rotation.authorities.flatMap((a) => {
    const anchors = survey.inventory.authorities.find((one) => one.authority === a.authority)?.anchors ?? [];
    const others = anchors.filter((ca) => !isOneOf(ca, a));
    return others.flatMap((ca) => {
      const leaf = [...usedStores(survey)].find(
        ({ store }) => store.certs[0]?.signedBy.includes(ca.fingerprint) && !store.certs[0].isCA,
      );
      if (!leaf) return [];
      return [
        refuse(
          'unknown-generation',
          `${a.authority}: ${short(ca)} is trusted beside ${short(a.old)} and signed ${where(leaf.store)}: two generations are in use, and no rotation of reroot is open`,
          'finish or undo the other rotation by the tool that began it, so that one CA is left',
        ),
      ];
    });
  });
}

/** The signer must be the authority itself: a CA apart for CSRs is not one of the four. */
function otherSigner(survey: Survey): Refusal[] {
  const a = survey.of('kubernetes');
  if (!a) return [];
  return survey.instances(MANAGER).flatMap((manager) => {
    const path = signs(manager) ? manager.flags['cluster-signing-cert-file']?.at(-1) : undefined;
    const ca = path ? survey.store(fileId(manager.node, path))?.certs[0] : undefined;
    if (!ca || isOneOf(ca, a)) return [];
    return [
      refuse(
        'signer-is-another-ca',
        `${manager.id} signs with ${short(ca)}, which is not the kubernetes authority`,
        'certificates from CSRs are then of a CA of their own: rotate that one by its own tool first, or sign with the cluster CA',
      ),
    ];
  });
}

function expiredLeafs(survey: Survey): Refusal[] {
  return [...usedStores(survey)].flatMap(({ store, by }) => {
    const leaf = store.certs[0];
    if (!leaf || leaf.isCA || leaf.notAfter > survey.now) return [];
    const ours = survey.rotation.authorities.some((a) => leaf.signedBy.includes(a.old.fingerprint));
    if (!ours) return [];
    return [
      refuse(
        'leaf-expired',
        `${where(store)} of ${by.id} ended ${new Date(leaf.notAfter).toISOString().slice(0, 16)}Z: that channel is broken already, and what reroot measured on it would mean nothing`,
        'renew it first (kubeadm certs renew all; restart the component), then rotate',
      ),
    ];
  });
}

function newCANotValid({ rotation, now }: Survey): Refusal[] {
  return rotation.authorities
    .filter((a) => a.new.notBefore > now || a.new.notAfter <= now)
    .map((a) =>
      refuse(
        'new-ca-not-valid',
        `${a.authority}: ${a.new.subject} is valid from ${new Date(a.new.notBefore).toISOString()} to ${new Date(a.new.notAfter).toISOString()}, not now`,
        'make a new one, or give another by --new-ca',
      ),
    );
}

/** A hard link keeps the old inode alive, and the second replacement of a watched file is then missed for good (trap 10). */
function hardLinks(survey: Survey): Refusal[] {
  return [...usedStores(survey)]
    .filter(({ store }) => (store.links ?? 1) > 1 && store.certs.length > 0)
    .map(({ store, by }) =>
      refuse(
        'hard-link',
        `${where(store)} has ${store.links} names: once it is replaced, the file watch of ${by.id} is deaf`,
        `make it a file of its own: cp -p ${store.path} ${store.path}.own && mv ${store.path}.own ${store.path}`,
      ),
    );
}

export const materialChecks: readonly Precondition[] = [
  oldCANotFound,
  sharedCA,
  malformed,
  unreadConfigurations,
  mismatched,
  disagreeing,
  unknownGeneration,
  otherSigner,
  expiredLeafs,
  newCANotValid,
  hardLinks,
];
