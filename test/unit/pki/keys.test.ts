import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PkiError } from '../../../src/pki/errors.ts';
import { generateKey, KEY_TYPES, type KeyType, keyTypeOf, matches, publicSpki } from '../../../src/pki/keys.ts';
import { caLike, keyFor, nameOf } from './support/fixtures.ts';

describe('keys', () => {
  it.each(KEY_TYPES)('%s are made, and told by their kind', (type) => {
    const key = generateKey(type);

    expect([key.type, keyTypeOf(key), keyTypeOf(createPublicKey(key))]).toEqual(['private', type, type]);
  });

  it('of another kind are not made, and told all the same', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });

    expect(keyTypeOf(privateKey)).toBe('EC-P-521');
    expect(() => generateKey('EC-P-521' as KeyType)).toThrow(PkiError);
  });

  it('match their certificate and no other, private half or public', () => {
    const [mine, other] = [keyFor('RSA-2048', 'mine'), keyFor('RSA-2048', 'other')];
    const certificate = caLike({ subjectDer: nameOf('x'), key: mine });

    expect(
      [mine, createPublicKey(mine), other, keyFor('EC-P-256', 'x')].map((key) => matches(certificate, key)),
    ).toEqual([true, true, false, false]);
    expect([publicSpki(mine), publicSpki(createPublicKey(mine))]).toEqual([certificate.spki, certificate.spki]);
  });
});
