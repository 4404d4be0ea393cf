// Findings about single files and certificates: expiry, keys, pairs, links, faults.

import { type Authority, fileId } from '../core/model/ids.ts';
import type { CertFact, Finding, Instance, Store } from '../core/model/inventory.ts';
import { some } from '../core/model/some.ts';
import type { KeyFile, Seen } from './seen.ts';

const DAY = 86_400_000;
/** Certificates that end sooner are reported: kubeadm's leafs live for a year and most teams renew within a quarter. */
const SOON = 90 * DAY;

export function certificateFindings(seen: Seen): Finding[] {
  const { stores } = seen.inventory;
  return [
    ...authorityFindings(seen),
    ...stores.flatMap((store) => [
      ...leafExpiry(store, seen),
      ...faultOf(store),
      ...mismatchOf(store),
      ...linksOf(store),
    ]),
    ...seen.inventory.instances.flatMap(configurationFaults),
    ...tornCopies(seen),
    ...seen.keyFiles.flatMap(readableKey),
  ];
}

const ended = (cert: CertFact, now: number): boolean => cert.notAfter <= now;
const date = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ');

function authorityFindings({ inventory, rotation }: Seen): Finding[] {
  return inventory.authorities.flatMap(({ authority, anchors, keys }) =>
    anchors.flatMap((anchor): Finding[] => {
      const subject = `${authority} ${anchor.fingerprint.slice(0, 12)}`;
      const found: Finding[] = [];
      if (anchor.notAfter <= inventory.takenAt + SOON) {
        const over = ended(anchor, inventory.takenAt);
        found.push({
          severity: over ? 'error' : 'warning',
          reason: over ? 'ca-expired' : 'ca-expires-soon',
          subject,
          message: `${anchor.subject} ${over ? 'ended' : 'ends'} ${date(anchor.notAfter)}Z, and with it every certificate it signed`,
          fix: `reroot plan --authority ${authority}`,
        });
      }
      // While a rotation is open they lie in its staging folder, where kubeadm does not find them (trap 24).
      if (rotation === undefined && !keys.some((key) => key.fingerprint === anchor.fingerprint)) {
        found.push({
          severity: 'note',
          reason: 'ca-key-not-found',
          subject,
          message: `the private key of ${anchor.subject} lies on no node that was reached: no bridge can be made with it`,
          fix: `reroot plan --authority ${authority} takes the bundle route, or put the key beside the CA for the rotation`,
        });
      }
      if (anchor.keyId === undefined) {
        found.push({
          severity: 'note',
          reason: 'ca-without-key-id',
          subject,
          message: `${anchor.subject} has no subject key identifier (made by Go before 1.15): a new CA needs a subject of its own`,
        });
      }
      return found;
    }),
  );
}

function leafExpiry(store: Store, seen: Seen): Finding[] {
  const leaf = store.certs.find((cert) => !cert.isCA);
  const now = seen.inventory.takenAt;
  if (!leaf || leaf.notAfter > now + SOON) return [];
  const authority = authorityOf(leaf, seen);
  const over = ended(leaf, now);
  const kept = seen.used.has(store.id) ? '' : ' (used by nobody seen)';
  return [
    {
      severity: over && seen.used.has(store.id) ? 'error' : 'warning',
      reason: over ? 'expired' : 'expires-soon',
      subject: store.id,
      message: `${leaf.subject} ${over ? 'ended' : 'ends'} ${date(leaf.notAfter)}Z${kept}`,
      fix: authority
        ? `a rotation reissues it: reroot plan --authority ${authority}; without one, on a kubeadm node: kubeadm certs renew all`
        : 'reissue it with the tool that made it',
    },
  ];
}

function authorityOf(cert: CertFact, { inventory }: Seen): Authority | undefined {
  return inventory.authorities.find(({ anchors }) =>
    anchors.some((anchor) => cert.signedBy.includes(anchor.fingerprint)),
  )?.authority;
}

function faultOf(store: Store): Finding[] {
  if (!store.fault) return [];
  return [
    {
      severity: 'error',
      reason: 'malformed-store',
      subject: store.id,
      message: store.fault,
      fix: store.path ? `look at it on ${store.node}: ${store.path}` : 'mend the object, then run reroot inspect again',
    },
  ];
}

const configurationFaults = ({ id, node, faults = [] }: Instance): Finding[] =>
  faults.map(({ path, fault }) => ({
    severity: 'error',
    reason: 'malformed-store',
    subject: fileId(node, path),
    message: `${fault}: what ${id} is told there, and which files it reads, is not known`,
    fix: `look at it on ${node}: ${path}`,
  }));

/** One for all of them: nothing in the cluster waits for them, and somebody may have many. */
function tornCopies({ torn }: Seen): Finding[] {
  const [first] = torn;
  if (first === undefined) return [];
  return [
    {
      severity: 'warning',
      reason: 'malformed-store',
      subject: first,
      message: `a piece of a CA of this cluster and no whole certificate: who trusts it cannot be told, and a rotation does not wait for it: ${some(torn, 5)}`,
      fix: 'put whole certificates there, or take them out, then run reroot inspect again',
    },
  ];
}

function mismatchOf(store: Store): Finding[] {
  const [leaf] = store.certs;
  if (!leaf || store.keySpki === undefined || store.keySpki === leaf.spki) return [];
  // A bundle in a CA file with the key of one of its members is no mismatch: the controller manager judges by the first only,
  // and a signer with two certificates refuses to sign whatever their order.
  const other = store.certs.find((cert) => cert.spki === store.keySpki);
  return [
    {
      severity: 'error',
      reason: 'pair-mismatch',
      subject: store.id,
      message: other
        ? `the key ${store.keyPath} fits ${other.subject}, which is not the first certificate in the file`
        : `the key ${store.keyPath} does not fit the certificate ${leaf.subject}: whoever starts with this pair fails`,
      fix: 'put back the key and the certificate that belong together, both from the same backup',
    },
  ];
}

function linksOf(store: Store): Finding[] {
  if (store.links === undefined || store.links <= 1 || store.certs.length === 0) return [];
  return [
    {
      severity: 'warning',
      reason: 'hard-link',
      subject: store.id,
      message: `${store.links} names share this file: once it is replaced, the watchers of the components miss every later change (trap 10)`,
      fix: `make it a file of its own: cp -p ${store.path} ${store.path}.tmp && mv ${store.path}.tmp ${store.path}`,
    },
  ];
}

function readableKey({ node, path, mode }: KeyFile): Finding[] {
  if (mode === undefined || (mode & 0o007) === 0) return [];
  return [
    {
      severity: 'error',
      reason: 'key-world-readable',
      subject: `file/${node}:${path}`,
      message: `every user of ${node} may read or change this private key (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`,
      fix: `chmod 0600 ${path}, and think of the key as leaked`,
    },
  ];
}
