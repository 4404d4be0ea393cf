// The CAs of one look at the cluster, and certificates as plain facts against them.

import type { CertFact, Store } from '../core/model/inventory.ts';
import { type Certificate, facts } from '../pki/certificate.ts';
import type { RawStore } from './material.ts';

export interface CertificatePool {
  /** Notes the self-signed CAs among these. */
  add(certificates: readonly Certificate[]): void;
  /** Call only when all CAs were added: each answer is computed once, however many stores hold the certificate. */
  factOf(certificate: Certificate): CertFact;
  storeOf(raw: RawStore): Store;
  /** Every certificate that was asked about, by fingerprint. */
  seen(): ReadonlyMap<string, Certificate>;
}

export function certificatePool(): CertificatePool {
  const cas = new Map<string, Certificate>();
  const known = new Map<string, CertFact>();
  const certificates = new Map<string, Certificate>();
  const factOf = (certificate: Certificate): CertFact => {
    const seen = known.get(certificate.fingerprint);
    if (seen) return seen;
    // No path goes through a CA of another name (RFC 5280 section 6.1.3 (a)(4)), so those are not tried.
    const fact = facts(
      certificate,
      [...cas.values()].filter((ca) => ca.subjectDer === certificate.issuerDer),
    );
    known.set(certificate.fingerprint, fact);
    certificates.set(certificate.fingerprint, certificate);
    return fact;
  };
  return {
    add(some) {
      for (const certificate of some) {
        if (certificate.isCA && certificate.selfSigned) cas.set(certificate.fingerprint, certificate);
      }
    },
    factOf,
    storeOf: ({ certificates: held, ...rest }) => ({ ...rest, certs: held.map(factOf) }),
    seen: () => certificates,
  };
}
