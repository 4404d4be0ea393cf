// Times of a certificate's validity, in milliseconds since the epoch outside and as RFC 5280 section 4.1.2.5 wants them inside.

import { DerError, type Element, encodeElement, TAG } from './der.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Certificates start a day early, so that a node whose clock lags does not refuse one that was made now (trap 9). */
export const BACKDATE = DAY;

/** The last moment a certificate can name, and how one says that it has no end (RFC 5280 section 4.1.2.5). */
export const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/** UTCTime to the end of 2049, GeneralizedTime from 2050 on. Parts of a second are dropped. */
export function encodeTime(at: number): Uint8Array {
  const date = new Date(at);
  const year = date.getUTCFullYear();
  if (!(year >= 1950 && year <= 9999)) throw new RangeError(`a certificate cannot hold the time ${at}`);
  const digits = date.toISOString().slice(0, 19).replace(/[-:T]/g, '');
  return year < 2050
    ? encodeElement(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
    : encodeElement(TAG.generalizedTime, Buffer.from(`${digits}Z`, 'latin1'));
}

export function decodeTime(element: Element | undefined): number {
  if (element?.tag !== TAG.utcTime && element?.tag !== TAG.generalizedTime) throw new DerError('a time is missing');
  const text = Buffer.from(element.content).toString('latin1');
  const match = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const [, years = '', ...rest] = match ?? [];
  if (!match || years.length !== (element.tag === TAG.utcTime ? 2 : 4))
    throw new DerError('a time that is not in RFC 5280 form');
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
  const at = new Date(0);
  at.setUTCFullYear(fullYear(years), month - 1, day);
  at.setUTCHours(hour, minute, second);
  if (
    at.getUTCMonth() !== month - 1 ||
    at.getUTCDate() !== day ||
    at.getUTCHours() !== hour ||
    at.getUTCMinutes() !== minute
  )
    throw new DerError('a time that does not exist');
  return at.getTime();
}

/** Two digits mean 1950 to 2049 (RFC 5280 section 4.1.2.5.1). */
function fullYear(digits: string): number {
  const value = Number(digits);
  if (digits.length === 4) return value;
  return value < 50 ? 2000 + value : 1900 + value;
}
