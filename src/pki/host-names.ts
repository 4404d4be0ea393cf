// Whether a certificate is for a name: subject alternative names only, as Go and every current stack do (RFC 9525).

import { X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';

/** `name` is a DNS name or an IP address, IPv6 with or without brackets. A wildcard stands for the whole first label. */
export function coversName(certificate: Certificate, name: string): boolean {
  const native = new X509Certificate(certificate.der);
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  if (/^[\d.]+$/.test(bare) || bare.includes(':')) return native.checkIP(bare) !== undefined;
  return native.checkHost(bare.replace(/\.$/, ''), { subject: 'never', partialWildcards: false }) !== undefined;
}
