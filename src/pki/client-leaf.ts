// A short-lived client certificate of reroot's own, to see whether a server accepts clients of a CA.

import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { encodeExtKeyUsage, encodeKeyUsage } from './extensions.ts';
import { authorityKeyIdFor, type Issuer, issueFrom, randomSerial } from './issue.ts';
import { spkiDer } from './keys.ts';
import { encodeName } from './names.ts';
import { BACKDATE, DAY } from './time.ts';

export interface ClientLeafRequest {
  /** CN is the user's name to Kubernetes; no organization, so no group. */
  commonName: string;
  publicKey: KeyObject;
  /** Milliseconds since the epoch. */
  now: number;
}

/** clientAuth only, valid for a day from now, started early for clocks that lag (trap 9); within the CA's own life. */
export function makeClientLeaf(ca: Issuer, request: ClientLeafRequest): Certificate {
  return issueFrom(ca, {
    serial: randomSerial(),
    subjectDer: encodeName({ commonName: request.commonName }),
    notBefore: Math.max(request.now - BACKDATE, ca.certificate.notBefore),
    notAfter: Math.min(request.now + DAY, ca.certificate.notAfter),
    spkiDer: spkiDer(request.publicKey),
    extensions: [
      encodeKeyUsage(['digitalSignature']),
      encodeExtKeyUsage(['clientAuth']),
      ...authorityKeyIdFor(ca.certificate),
    ],
  });
}
