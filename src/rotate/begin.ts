// The beginning of a rotation: which generations, which route, and everything staged before anything is touched.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Authority } from '../core/model/ids.ts';
import type { CertFact, Inventory } from '../core/model/inventory.ts';
import { chooseRoute } from '../core/plan/route.ts';
import { EXIT, RerootError, reasonOf, wrongUse } from '../errors.ts';
import { makeBridge } from '../pki/bridge.ts';
import { bridgeObstacle } from '../pki/bridge-obstacle.ts';
import { type Certificate, facts } from '../pki/certificate.ts';
import { PkiError } from '../pki/errors.ts';
import { KEY_TYPES, type KeyType, matches } from '../pki/keys.ts';
import { makeCA, newSubject } from '../pki/make-ca.ts';
import { parseCertificates, parsePrivateKey } from '../pki/pem.ts';
import type { AuthorityMaterial, Generation } from './material.ts';
import { oldGeneration } from './old-generation.ts';
import type { AccessOf } from './record.ts';

const TEN_YEARS = 10 * 365.25 * 24 * 3600 * 1000;

export interface BeginRequest {
  authorities: readonly Authority[];
  /** `AUTHORITY=CERT[,KEY]`, files on this machine. */
  newCA: readonly string[];
  keyType?: KeyType;
  newKeys?: boolean;
  now: number;
}

/** Six random bytes behind the day: `2026-11-24-3f9a2c`, unique enough for folder names and readable at night. */
export const newRotationId = (now: number): string =>
  `${new Date(now).toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`;

/** Makes or reads the new CAs, reads the old keys, chooses the routes and mints the bridges. Changes nothing in the cluster. */
export async function materialsFor(
  inventory: Inventory,
  accessOf: AccessOf,
  request: BeginRequest,
): Promise<AuthorityMaterial[]> {
  const given = givenCAs(request);
  return Promise.all(
    request.authorities.map(async (authority) => {
      const fact = inventory.authorities.find((candidate) => candidate.authority === authority);
      const old = await oldGeneration(authority, fact, inventory, accessOf);
      return prepare(authority, old, given.get(authority), request);
    }),
  );
}

function prepare(
  authority: Authority,
  old: Generation,
  given: Generation | undefined,
  request: BeginRequest,
): AuthorityMaterial {
  const fresh = given ?? makeNew(old.certificate, request);
  if (fresh.certificate.fingerprint === old.certificate.fingerprint) {
    throw wrongUse(
      `--new-ca ${authority}: that is the CA the cluster has now`,
      'give another certificate, or leave the flag out',
    );
  }
  const obstacle = bridgeObstacle({
    old: old.certificate,
    new: fresh.certificate,
    oldKeyAvailable: old.key !== undefined,
    now: request.now,
  });
  const choice = chooseRoute(asFact(old.certificate), asFact(fresh.certificate), {
    oldKey: old.key !== undefined,
    now: request.now,
    ...(obstacle ? { obstacle } : {}),
  });
  if ('refusal' in choice) {
    throw new RerootError(EXIT.blocked, `${authority}: ${choice.refusal.reason}: ${choice.refusal.message}`, {
      hints: choice.refusal.hint ? [choice.refusal.hint] : [],
    });
  }
  const external = old.key === undefined;
  if (external && request.newKeys) {
    throw new RerootError(
      EXIT.blocked,
      `${authority}: with --new-keys the way back needs certificates from the old CA for the new keys, and its key is on no node`,
      { hints: ['put the key beside the CA for the time of the rotation, or leave --new-keys out'] },
    );
  }
  const material: AuthorityMaterial = { authority, ...choice, old, new: fresh, bridges: {}, external, made: !given };
  if (choice.route === 'bridge') mintBridges(material, request.now);
  return material;
}

const asFact = (certificate: Certificate): CertFact => facts(certificate, [certificate]);

/** Serving and client chains have bridges of their own: a serving one in a client's hands opens nothing (trap 3). */
function mintBridges(material: AuthorityMaterial, now: number): void {
  const { old } = material;
  if (!old.key) return;
  const by = { certificate: old.certificate, key: old.key };
  const of = material.new.certificate;
  if (material.authority !== 'front-proxy') material.bridges.serving = makeBridge({ of, by, purpose: 'serving', now });
  material.bridges.client = makeBridge({ of, by, purpose: 'client', now });
}

/** The old CA's kind of key, or the next stronger one where reroot makes no such keys (RSA-1024, P-521). */
function successorOf(old: string): KeyType {
  const same = KEY_TYPES.find((known) => known === old);
  return same ?? (old.startsWith('EC') ? 'EC-P-384' : 'RSA-3072');
}

function makeNew(old: Certificate, request: BeginRequest): Generation {
  const keyType = request.keyType ?? successorOf(old.keyType);
  const lifetime = Math.max(TEN_YEARS, old.notAfter - old.notBefore);
  return makeCA({
    commonName: newSubject(old, request.now),
    keyType,
    now: request.now,
    notAfter: request.now + lifetime,
  });
}

const ONE_KEY = "give the CA certificate's own private key, as PEM without a password";
const ONE_CA = 'give a PEM file with the one self-signed CA certificate that clients are to trust';

/** Reads `--new-ca AUTHORITY=CERT[,KEY]`. */
function givenCAs(request: BeginRequest): Map<Authority, Generation> {
  const found = new Map<Authority, Generation>();
  for (const flag of request.newCA) {
    const match = /^([a-z-]+)=([^,]+)(?:,(.+))?$/.exec(flag);
    const authority = match?.[1] as Authority | undefined;
    if (!match || !authority || !request.authorities.includes(authority)) {
      throw wrongUse(
        `--new-ca ${flag}: the form is AUTHORITY=CERT[,KEY], with one of ${request.authorities.join(', ')}`,
        `such as --new-ca ${request.authorities[0]}=ca.crt,ca.key`,
      );
    }
    found.set(authority, readGiven(flag, match[2] ?? '', match[3], request.now));
  }
  return found;
}

function readGiven(flag: string, certFile: string, keyFile: string | undefined, now: number): Generation {
  const [certificate, ...more] = understood(flag, ONE_CA, () => parseCertificates(readHere(certFile, flag), certFile));
  if (!certificate) throw wrongUse(`--new-ca ${flag}: ${certFile} holds no certificate`, ONE_CA);
  if (more.length > 0)
    throw wrongUse(`--new-ca ${flag}: ${certFile} holds ${more.length + 1} certificates, one is wanted`, ONE_CA);
  if (!certificate.isCA)
    throw wrongUse(`--new-ca ${flag}: ${certificate.subject} is not a CA (basic constraints)`, ONE_CA);
  if (!certificate.selfSigned) {
    throw wrongUse(
      `--new-ca ${flag}: ${certificate.subject} is an intermediate, not a root`,
      'give the self-signed root that clients are to trust',
    );
  }
  if (certificate.notAfter <= now || certificate.notBefore > now) {
    throw wrongUse(
      `--new-ca ${flag}: ${certificate.subject} is valid from ${day(certificate.notBefore)} to ${day(certificate.notAfter)}, not now`,
      'give one that is valid, or leave the flag out and let reroot make one',
    );
  }
  if (!keyFile) {
    throw wrongUse(
      `--new-ca ${flag}: without its key reroot cannot issue leafs from it`,
      'give the key as well: AUTHORITY=CERT,KEY',
    );
  }
  const key = understood(flag, ONE_KEY, () => parsePrivateKey(readHere(keyFile, flag), keyFile));
  if (!matches(certificate, key))
    throw wrongUse(
      `--new-ca ${flag}: the key in ${keyFile} does not belong to the certificate in ${certFile}`,
      'give the two files that were made together',
    );
  return { certificate, key };
}

const day = (millis: number): string => new Date(millis).toISOString().slice(0, 10);

/** What the PKI says of a file, with what the flag wants. */
function understood<T>(flag: string, hint: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof PkiError)) throw thrown;
    throw wrongUse(`--new-ca ${flag}: ${thrown.message}`, ...thrown.hints, hint);
  }
}

function readHere(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw wrongUse(
      `--new-ca ${flag}: ${file} cannot be read: ${reasonOf(thrown)}`,
      'check the path; it is on this machine',
    );
  }
}
