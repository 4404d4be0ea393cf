// Certificates as others make them: old kubeadm's, openssl's, odd ones. Made by hand from slices, so that src/pki's own rules are not in them.

import type { KeyObject } from 'node:crypto';
import { type Certificate, readCertificate } from '../../../../src/pki/certificate.ts';
import { bytesOf, contextTag, encodeElement, TAG } from '../../../../src/pki/der.ts';
import {
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeSubjectAltName,
  encodeSubjectKeyId,
  type KeyUsageName,
} from '../../../../src/pki/extensions.ts';
import { type Issuer, randomSerial } from '../../../../src/pki/issue.ts';
import { generateKey, type KeyType, spkiDer } from '../../../../src/pki/keys.ts';
import { keyIdOf } from '../../../../src/pki/make-ca.ts';
import { signDraft } from '../../../../src/pki/slices.ts';

export const DAY = 86_400_000;
export const YEAR = 365 * DAY;
export const NOW = Date.UTC(2026, 10, 24, 12);

const keys = new Map<string, KeyObject>();

/** The same key for the same type and label in one test file: RSA keys take a while. */
export function keyFor(type: KeyType, label: string): KeyObject {
  const id = `${type} ${label}`;
  const key = keys.get(id) ?? generateKey(type);
  keys.set(id, key);
  return key;
}

export type Encoding = 'printable' | 'utf8' | 'multi';

const OIDS: Readonly<Record<string, string>> = { CN: '0603550403', O: '060355040a', OU: '060355040b' };

const attribute = (type: string, tag: number, text: string): Uint8Array =>
  encodeElement(TAG.sequence, bytesOf(OIDS[type] ?? ''), encodeElement(tag, Buffer.from(text)));

/** A name in one of three encodings. `multi`: an organization, then one RDN of two attributes. */
export function nameOf(commonName: string, encoding: Encoding = 'printable'): Uint8Array {
  const tag = encoding === 'utf8' ? TAG.utf8String : TAG.printableString;
  const cn = attribute('CN', tag, commonName);
  if (encoding !== 'multi') return encodeElement(TAG.sequence, encodeElement(TAG.set, cn));
  return encodeElement(
    TAG.sequence,
    encodeElement(TAG.set, attribute('O', TAG.utf8String, 'Beispiel')),
    encodeElement(TAG.set, cn, attribute('OU', TAG.printableString, 'cluster')),
  );
}

export interface Spec {
  subjectDer: Uint8Array;
  key: KeyObject;
  notBefore?: number;
  notAfter?: number;
  serial?: Uint8Array;
  /** Subject key id: that of the key by default, null for none. */
  keyId?: Uint8Array | null;
  /** Authority key id: key id of the issuer by default, null for none; otherwise a whole extension. */
  authority?: Uint8Array | null;
  /** Key usages; null for none. */
  usages?: KeyUsageName[] | null;
  extUsages?: ('serverAuth' | 'clientAuth')[];
  pathLen?: number;
  /** More extensions, as DER. */
  more?: Uint8Array[];
}

export const keyIdOfKey = (key: KeyObject): Uint8Array => keyIdOf(spkiDer(key));

/** As kubeadm makes today: Go's keyUsage, a dNSName, a key id. */
export function caLike(spec: Spec, by?: Issuer): Certificate {
  const usages = spec.usages === undefined ? ['digitalSignature', 'keyEncipherment', 'keyCertSign'] : spec.usages;
  return sign(
    spec,
    [
      ...(usages ? [encodeKeyUsage(usages as KeyUsageName[])] : []),
      ...(spec.extUsages ? [encodeExtKeyUsage(spec.extUsages)] : []),
      encodeBasicConstraints(spec.pathLen),
      ...keyIdExtension(spec, true),
    ],
    by,
  );
}

/** A leaf with these names, for both usages unless said. */
export function leafLike(spec: Spec, by: Issuer, names: { dns?: string[]; ip?: string[] } = {}): Certificate {
  const { dns = ['kubernetes.default.svc'], ip = ['10.96.0.1', 'fd00::1'] } = names;
  return sign(
    spec,
    [
      ...(spec.usages === null ? [] : [encodeKeyUsage(spec.usages ?? ['digitalSignature', 'keyEncipherment'])]),
      encodeExtKeyUsage(spec.extUsages ?? ['serverAuth', 'clientAuth']),
      ...keyIdExtension(spec, false),
      ...(dns.length + ip.length > 0 ? [encodeSubjectAltName(dns, ip)] : []),
    ],
    by,
  );
}

function keyIdExtension(spec: Spec, byDefault: boolean): Uint8Array[] {
  if (spec.keyId === null || (spec.keyId === undefined && !byDefault)) return [];
  return [encodeSubjectKeyId(spec.keyId ?? keyIdOfKey(spec.key))];
}

function sign(spec: Spec, extensions: Uint8Array[], by: Issuer | undefined): Certificate {
  const der = signDraft(
    {
      serial: spec.serial ?? randomSerial(),
      issuerDer: by ? by.certificate.slices.subjectDer : spec.subjectDer,
      subjectDer: spec.subjectDer,
      notBefore: spec.notBefore ?? NOW - YEAR,
      notAfter: spec.notAfter ?? NOW + 9 * YEAR,
      spkiDer: spkiDer(spec.key),
      extensions: [...extensions, ...authorityOf(spec, by), ...(spec.more ?? [])],
    },
    by ? by.key : spec.key,
  );
  return readCertificate(der);
}

function authorityOf({ authority }: Spec, by: Issuer | undefined): Uint8Array[] {
  if (authority === null) return [];
  if (authority) return [authority];
  return by?.certificate.keyId === undefined ? [] : [encodeAuthorityKeyId(bytesOf(by.certificate.keyId))];
}

/** An authority key id that names its issuer by issuer and serial as well (trap 7c). */
export function issuerAndSerial(by: Certificate): Uint8Array {
  const value = encodeElement(
    TAG.sequence,
    ...(by.keyId === undefined ? [] : [encodeElement(contextTag(0, 'primitive'), bytesOf(by.keyId))]),
    encodeElement(contextTag(1), encodeElement(contextTag(4), by.slices.issuerDer)),
    encodeElement(contextTag(2, 'primitive'), by.slices.serial),
  );
  return extension('0603551d23', value);
}

/** Any extension from the DER of its OID and its value. */
export const extension = (oidDer: string, value: Uint8Array, critical = false): Uint8Array =>
  encodeElement(
    TAG.sequence,
    bytesOf(oidDer),
    ...(critical ? [encodeElement(TAG.boolean, Uint8Array.of(0xff))] : []),
    encodeElement(TAG.octetString, value),
  );

/** A permitted DNS tree, critical: RFC 5280 section 4.2.1.10. */
export const nameConstraints = (dnsTree: string): Uint8Array =>
  extension(
    '0603551d1e',
    encodeElement(
      TAG.sequence,
      encodeElement(
        contextTag(0),
        encodeElement(TAG.sequence, encodeElement(contextTag(2, 'primitive'), Buffer.from(dnsTree))),
      ),
    ),
    true,
  );

/** A CA of kubeadm's today, or of kubeadm up to 1.18: no key id, serial 0. */
export function oldCA(style: 'today' | 'before 1.19', type: KeyType, encoding: Encoding = 'printable'): Issuer {
  const key = keyFor(type, 'old');
  const spec: Spec = { subjectDer: nameOf('kubernetes', encoding), key };
  if (style === 'before 1.19') Object.assign(spec, { keyId: null, serial: Uint8Array.of(0) });
  return { certificate: caLike(spec), key };
}

/** An API server's leaf as the same kubeadm makes it. */
export function oldLeaf(ca: Issuer, type: KeyType): Certificate {
  return leafLike({ subjectDer: nameOf('kube-apiserver'), key: keyFor(type, 'leaf'), notAfter: NOW + YEAR / 2 }, ca);
}
