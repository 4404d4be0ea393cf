import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  childrenOf,
  DerError,
  encodeElement,
  encodePositive,
  oidText,
  readElement,
  readOnly,
  TAG,
} from '../../../src/pki/der.ts';
import { decodeTime, encodeTime } from '../../../src/pki/time.ts';

describe('DER', () => {
  it('is read as it was written, of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 300 }), (parts) => {
        const elements = parts.map((part) => encodeElement(TAG.octetString, part));
        const whole = readOnly(encodeElement(TAG.sequence, ...elements), TAG.sequence);

        expect(childrenOf(whole).map(({ content }) => Buffer.from(content))).toEqual(
          parts.map((part) => Buffer.from(part)),
        );
      }),
    );
  });

  it.each([
    ['nothing', '', /ends too early/],
    ['an end that is missing', '3003', /goes on after the end/],
    ['a length cut off', '3082', /ends too early/],
    ['an indefinite length', '30800000', /not DER/],
    ['a length of five bytes', '30850000000001', /not DER/],
    ['a long form for a short length', '308101ff', /not the shortest/],
    ['a length with leading zeros', `30820081${'00'.repeat(129)}`, /not the shortest/],
    ['a tag of several bytes', '1f8101', /multi-byte tag/],
    ['bytes after the end', '300000', /bytes after the end/],
    ['another tag', '0400', /tag 0x4 where 0x30 belongs/],
  ])('refuses %s', (_, hex, message) => {
    expect(() => readOnly(bytesOf(hex), TAG.sequence)).toThrow(message);
    expect(() => readOnly(bytesOf(hex), TAG.sequence)).toThrow(DerError);
  });

  it('writes positive integers with the fewest bytes', () => {
    const hex = (bytes: string): string => Buffer.from(encodePositive(bytesOf(bytes))).toString('hex');

    expect(['7f', '80', '0000', '000080', '00ff'].map(hex)).toEqual([
      '02017f',
      '02020080',
      '020100',
      '02020080',
      '020200ff',
    ]);
  });

  it.each([
    ['06032a0304', '1.2.3.4'],
    ['0603550403', '2.5.4.3'],
    ['06052b81040022', '1.3.132.0.34'],
    ['06038837f7', /cut short/],
    ['0602883f', '2.1007'],
    ['0600', /empty object identifier/],
  ])('reads object identifier %s', (hex, expected) => {
    const read = (): string => oidText(readElement(bytesOf(hex)));
    if (typeof expected === 'string') expect(read()).toBe(expected);
    else expect(read).toThrow(expected);
  });
});

describe('times', () => {
  it('are read as written, to the second, over all years of RFC 5280', () => {
    const at = fc.date({
      min: new Date('1950-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(at, (date) => {
        const written = readElement(encodeTime(date.getTime()));

        expect(decodeTime(written)).toBe(Math.floor(date.getTime() / 1000) * 1000);
        expect(written.tag).toBe(date.getUTCFullYear() < 2050 ? TAG.utcTime : TAG.generalizedTime);
      }),
    );
  });

  it.each(['991231235959Z', '500101000000Z', '491231235959Z', '000229000000Z'])(
    'UTCTime %s is of the right century',
    (text) => {
      const year = Number(text.slice(0, 2));
      const read = decodeTime(readElement(encodeElement(TAG.utcTime, Buffer.from(text))));

      expect(new Date(read).getUTCFullYear()).toBe(year < 50 ? 2000 + year : 1900 + year);
    },
  );

  it.each([
    '260230000000Z',
    '261301000000Z',
    '260101240000Z',
    '2601010000Z',
    '260101000000+0100',
    '20260101000000Z',
    '',
  ])('UTCTime %s is none', (text) => {
    expect(() => decodeTime(readElement(encodeElement(TAG.utcTime, Buffer.from(text))))).toThrow(DerError);
  });

  it('out of range are not written', () => {
    for (const at of [Date.UTC(1949, 11, 31), Date.UTC(10000, 0, 1), Number.NaN])
      expect(() => encodeTime(at)).toThrow(RangeError);
  });
});
