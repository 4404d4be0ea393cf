// What OpenSSL checks of a chain once it is built (check_extensions and the dates): CAs, path lengths, usages, and the strict rules.

import { authorityKeyIdOf, type Certificate } from './certificate.ts';
import { type Extension, OID } from './extensions.ts';
import { selfIssued, selfSigned, withinDates } from './openssl-issuer.ts';
import { refused, type Verdict } from './verdict.ts';

interface Question {
  usage: 'serverAuth' | 'clientAuth';
  now: number;
  strict?: boolean;
}

/** The first fault, from the leaf to the end; undefined when there is none. */
export function chainFault(chain: readonly Certificate[], question: Question): Verdict | undefined {
  let below = 0;
  for (const [i, certificate] of chain.entries()) {
    const fault =
      extensionFault(certificate) ??
      roleFault(certificate, i, chain.length, question) ??
      (question.strict && chain.length > 1 ? strictFault(certificate, i + 1 === chain.length) : undefined) ??
      usageFault(certificate, i > 0, question.usage) ??
      pathFault(certificate, i, below) ??
      dateFault(certificate, question.now);
    if (fault) return fault;
    // Self-issued ones do not count (RFC 5280 section 6.1.4).
    if (i > 0 && !selfIssued(certificate)) below++;
  }
  return undefined;
}

const KNOWN: readonly string[] = [
  OID.keyUsage,
  OID.basicConstraints,
  OID.subjectAltName,
  OID.extKeyUsage,
  OID.nameConstraints,
];

function extensionFault({ subject, slices, nameConstraints }: Certificate): Verdict | undefined {
  const unknown = ({ oid, critical }: Extension): boolean =>
    (critical && !KNOWN.includes(oid)) || oid === OID.policyConstraints;
  if (slices.extensions.some(unknown))
    return refused('unhandled-critical', `${subject} has a critical extension that verifiers do not know`);
  if (nameConstraints) return refused('name-constraints', `${subject} has name constraints, which are not judged here`);
  return undefined;
}

const has = ({ slices }: Certificate, oid: string): boolean =>
  slices.extensions.some((extension) => extension.oid === oid);

/** check_ca: by basicConstraints; a version 1 root or a key usage alone will do for the end of a chain, unless strict. */
function caKind(certificate: Certificate): 'yes' | 'old-style' | 'no' {
  if (certificate.keyUsages && !certificate.keyUsages.includes('keyCertSign')) return 'no';
  if (has(certificate, OID.basicConstraints)) return certificate.isCA ? 'yes' : 'no';
  if (certificate.slices.version === 1 && selfSigned(certificate)) return 'old-style';
  return certificate.keyUsages ? 'old-style' : 'no';
}

function roleFault(
  certificate: Certificate,
  i: number,
  length: number,
  { strict = false }: Question,
): Verdict | undefined {
  const kind = caKind(certificate);
  const fault =
    i === 0 ? strict && kind === 'old-style' : kind === 'no' || ((i + 1 < length || strict) && kind !== 'yes');
  if (!fault) return undefined;
  if (certificate.isCA) return refused('key-usage', `${certificate.subject} may not sign certificates`);
  return refused('not-a-ca', `${certificate.subject} is not a CA`);
}

/** check_purpose_ssl_server and _client. anyExtendedKeyUsage alone is not enough for OpenSSL. */
function usageFault(certificate: Certificate, mustBeCA: boolean, usage: Question['usage']): Verdict | undefined {
  const { extKeyUsages, keyUsages, subject } = certificate;
  if (extKeyUsages.length > 0 && !extKeyUsages.includes(usage))
    return refused('usage', `${subject} is not for ${usage}`);
  if (mustBeCA || !keyUsages) return undefined;
  const enough = ['digitalSignature', 'keyAgreement', ...(usage === 'serverAuth' ? ['keyEncipherment'] : [])];
  if (keyUsages.some((name) => enough.includes(name))) return undefined;
  return refused('key-usage', `the key usage of ${subject} is not one for TLS`);
}

function pathFault({ pathLen, subject }: Certificate, i: number, below: number): Verdict | undefined {
  if (i < 2 || pathLen === undefined || below <= pathLen) return undefined;
  return refused('path-length', `${subject} allows ${pathLen} CAs below it, here are ${below}`);
}

function dateFault(certificate: Certificate, now: number): Verdict | undefined {
  if (withinDates(certificate, now)) return undefined;
  return now < certificate.notBefore
    ? refused('not-yet-valid', `${certificate.subject} is not valid yet`)
    : refused('expired', `${certificate.subject} has expired`);
}

/** X509_V_FLAG_X509_STRICT, the rules that certificates of clusters are known to break. */
function strictFault(certificate: Certificate, last: boolean): Verdict | undefined {
  const { isCA, subject, keyUsages, slices } = certificate;
  const strict = (what: string): Verdict => refused('strict', `${subject} ${what}, which strict verifiers refuse`);
  const basic = slices.extensions.find(({ oid }) => oid === OID.basicConstraints);
  if (certificate.pathLen !== undefined && !(isCA && keyUsages?.includes('keyCertSign')))
    return strict('has a path length without being a CA that signs');
  if (isCA && basic && !basic.critical) return strict('has basic constraints that are not critical');
  if (isCA && !keyUsages) return strict('is a CA without key usage');
  if (!isCA && keyUsages?.includes('keyCertSign')) return strict('may sign certificates without being a CA');
  if (slices.version !== 3)
    return slices.extensions.length > 0 ? strict('has extensions in an old version') : undefined;
  if (!last && !authorityKeyIdOf(certificate)?.keyId) return strict('has no authority key id');
  if (isCA && certificate.keyId === undefined) return strict('is a CA without subject key id');
  return undefined;
}
