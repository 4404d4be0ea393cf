// A CA that is not the cluster's: what the sample API server serves under, and what a rotation must leave alone.

import { encodeExtKeyUsage, encodeKeyUsage, encodeSubjectAltName } from '../../../src/pki/extensions.ts';
import { authorityKeyIdFor, issueFrom, randomSerial } from '../../../src/pki/issue.ts';
import { generateKey, spkiDer } from '../../../src/pki/keys.ts';
import { makeCA } from '../../../src/pki/make-ca.ts';
import { encodeName } from '../../../src/pki/names.ts';
import { keyToPem } from '../../../src/pki/pem.ts';
import { BACKDATE, DAY } from '../../../src/pki/time.ts';

export interface OwnServing {
  /** PEM. The CA's key is not kept. */
  ca: string;
  cert: string;
  key: string;
}

/** A new CA and a serving certificate of it for these names, valid for a year. */
export function ownServing(commonName: string, dnsNames: readonly string[], now: number): OwnServing {
  const notAfter = now + 365 * DAY;
  const ca = makeCA({ keyType: 'EC-P-256', commonName, now, notAfter });
  const key = generateKey('EC-P-256');
  const leaf = issueFrom(ca, {
    serial: randomSerial(),
    subjectDer: encodeName({ commonName: dnsNames[0] ?? commonName }),
    notBefore: now - BACKDATE,
    notAfter,
    spkiDer: spkiDer(key),
    extensions: [
      encodeKeyUsage(['digitalSignature']),
      encodeExtKeyUsage(['serverAuth']),
      encodeSubjectAltName(dnsNames, []),
      ...authorityKeyIdFor(ca.certificate),
    ],
  });
  return { ca: ca.certificate.pem, cert: leaf.pem, key: keyToPem(key) };
}
