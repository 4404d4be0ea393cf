import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, concat, encodeElement, TAG } from '../../../src/pki/der.ts';
import { canonicalName, encodeName, nameParts, nameText } from '../../../src/pki/names.ts';
import { caLike, keyFor, leafLike, NOW } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';
import { useOpenSSL } from './support/openssl.ts';

const go = useJudge();
const openssl = useOpenSSL();

const attribute = (oid: string, tag: number, text: string | Uint8Array): Uint8Array =>
  encodeElement(TAG.sequence, bytesOf(oid), encodeElement(tag, Buffer.from(text as string)));
const CN = '0603550403';
const name = (...rdns: Uint8Array[][]): Uint8Array =>
  encodeElement(TAG.sequence, ...rdns.map((attributes) => encodeElement(TAG.set, ...attributes)));
const cn = (text: string | Uint8Array, tag: number = TAG.utf8String): Uint8Array => name([attribute(CN, tag, text)]);

describe('a name as text', () => {
  it('is what Go prints for the same bytes', async () => {
    const texts = fc.string({ unit: fc.constantFrom(...' #+,;<>="\\aZ9äß漢:/-'), minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(texts, texts, async (first, second) => {
        const subjectDer = name(
          [attribute('060355040a', TAG.utf8String, first)],
          [attribute(CN, TAG.utf8String, second)],
        );
        const { der } = caLike({ subjectDer, key: keyFor('Ed25519', 'n') });

        expect(nameText(subjectDer)).toBe((await go.describe(der)).subject);
      }),
      { numRuns: 200 },
    );
  });

  it('shows control characters as bytes, so that no name can write on a terminal', () => {
    expect(nameText(cn('a\u001b[2J\u202eb\n'))).toBe('CN=a\\1b[2J\\e2\\80\\aeb\\0a');
  });

  it('gives types without a short name by number and value in hex', () => {
    const email = name([attribute('06092a864886f70d010901', TAG.ia5String, 'a@b')]);

    expect(nameText(email)).toBe('1.2.840.113549.1.9.1=#1603614062');
  });

  it('joins the parts of one RDN with +', () => {
    expect(nameText(name([attribute(CN, TAG.utf8String, 'a'), attribute('060355040b', TAG.utf8String, 'b')]))).toBe(
      'CN=a+OU=b',
    );
    expect(nameText(encodeName({}))).toBe('');
  });

  it.each([
    ['BMPString', TAG.bmpString, Buffer.from('ä漢', 'utf16le').swap16()],
    ['TeletexString', TAG.teletexString, Buffer.from('ä漢'.slice(0, 1), 'latin1')],
    ['UniversalString', TAG.universalString, Uint8Array.of(0, 0, 0, 0xe4)],
  ])('reads a %s', (_, tag, bytes) => {
    expect(nameText(cn(bytes, tag))).toMatch(/^CN=ä漢?$/);
  });
});

describe('the parts of a name', () => {
  it('are the user and groups that Kubernetes sees', () => {
    const parts = { commonName: 'kubernetes-admin', organizations: ['system:masters', 'ü'] };

    expect(nameParts(encodeName(parts))).toEqual(parts);
    expect(nameText(encodeName(parts))).toBe('CN=kubernetes-admin,O=ü,O=system:masters');
  });

  it('are the last of several common names, as in Go', async () => {
    const subjectDer = name([attribute(CN, TAG.utf8String, 'first')], [attribute(CN, TAG.utf8String, 'last')]);
    const { der } = caLike({ subjectDer, key: keyFor('Ed25519', 'n') });

    expect(nameParts(subjectDer).commonName).toBe('last');
    expect((await go.describe(der)).commonName).toBe('last');
  });
});

describe('two names are one for OpenSSL', () => {
  it.each([
    ['of another string type', cn('kubernetes'), cn('kubernetes', TAG.printableString), true],
    ['in another case', cn('Kubernetes'), cn('kUBERNETES'), true],
    ['with other spaces', cn(' a  b '), cn('a\tb'), true],
    ['in another case beyond ASCII', cn('Ä'), cn('ä'), false],
    ['of other text', cn('a'), cn('b'), false],
    [
      'with another order of RDNs',
      concat(name([attribute(CN, 12, 'a')], [attribute('060355040a', 12, 'b')])),
      name([attribute('060355040a', 12, 'b')], [attribute(CN, 12, 'a')]),
      false,
    ],
    [
      'one longer than the other',
      name([attribute(CN, 12, 'a')]),
      name([attribute(CN, 12, 'a')], [attribute(CN, 12, 'a')]),
      false,
    ],
  ])('%s: as openssl verify finds', (_, subject, issuer, same) => {
    const key = keyFor('EC-P-256', 'n');
    const ca = caLike({ subjectDer: subject, key, keyId: null });
    const leaf = leafLike(
      { subjectDer: cn('leaf'), key: keyFor('EC-P-256', 'leaf') },
      { key, certificate: caLike({ subjectDer: issuer, key, keyId: null }) },
    );

    expect(openssl.refusal({ chain: [leaf], anchors: [ca], usage: 'serverAuth', now: NOW }) === undefined).toBe(same);
    expect(canonicalName(subject) === canonicalName(issuer)).toBe(same);
  });
});
