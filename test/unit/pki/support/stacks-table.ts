// The measured table of TLS stacks as data: what is served, and who accepts it, for Go, OpenSSL and strict Python.
// A pattern has a letter for each trust bundle: old | new | old,new | new,old; o accepted, F refused.

import type { Certificate } from '../../../../src/pki/certificate.ts';
import type { Issuer } from '../../../../src/pki/issue.ts';
import { caLike, DAY, issuerAndSerial, keyFor, keyIdOfKey, leafLike, NOW, nameOf, oldCA, YEAR } from './fixtures.ts';

import { NEW, OLD, oddBridge, oddOld, reencoded, sameSubject, type World, world } from './worlds.ts';

export interface Row {
  title: string;
  world: World;
  chain: (world: World) => Certificate[];
  go: string;
  openssl: string;
  /** Python 3.13's default context: strict and partial chains. */
  strict: string;
}

export const served = {
  ol: ({ ol }: World) => [ol],
  'ol+rb': ({ ol, rb }: World) => [ol, rb],
  nl: ({ nl }: World) => [nl],
  'nl+br': ({ nl, br }: World) => [nl, br],
  'nl+br+oldroot': ({ nl, br, old }: World) => [nl, br, old.certificate],
  'nl+newroot+br': ({ nl, br, new: next }: World) => [nl, next.certificate, br],
};

function rows(
  label: string,
  parts: Partial<World>,
  cells: Partial<Record<keyof typeof served, [string, string, string]>>,
): Row[] {
  const made = world(parts);
  return Object.entries(cells).map(([name, [goes, opens, strict]]) => ({
    title: `${name}, ${label}`,
    world: made,
    chain: served[name as keyof typeof served],
    go: goes,
    openssl: opens,
    strict,
  }));
}

const withoutAuthority = sameSubject();

export const TABLE: Row[] = [
  ...rows(
    'OLD as kubeadm makes today',
    {},
    {
      ol: ['oFoo', 'oFoo', 'oFoo'],
      'ol+rb': ['oooo', 'oooo', 'oooo'],
      nl: ['Fooo', 'Fooo', 'Fooo'],
      'nl+br': ['oooo', 'oooo', 'oooo'],
      'nl+br+oldroot': ['oooo', 'oooo', 'oooo'],
      'nl+newroot+br': ['oooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows(
    'OLD as kubeadm <= 1.18 (no key ids)',
    { old: oldCA('before 1.19', 'EC-P-256') },
    {
      ol: ['oFoo', 'oFoo', 'FFFF'],
      'ol+rb': ['oooo', 'oooo', 'FFFF'],
      nl: ['Fooo', 'Fooo', 'Fooo'],
      'nl+br': ['oooo', 'oooo', 'Fooo'],
      'nl+br+oldroot': ['oooo', 'oooo', 'Fooo'],
      'nl+newroot+br': ['oooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows(
    'OLD pathlen:0',
    { old: oddOld({ pathLen: 0 }) },
    {
      ol: ['oFoo', 'oFoo', 'oFoo'],
      'nl+br': ['Fooo', 'Fooo', 'Fooo'],
      'nl+br+oldroot': ['Fooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows(
    'NEW pathlen:0',
    {
      new: {
        certificate: caLike({ subjectDer: nameOf('new'), key: keyFor('EC-P-256', 'new'), pathLen: 0 }),
        key: keyFor('EC-P-256', 'new'),
      },
    },
    {
      'nl+br': ['oooo', 'oooo', 'oooo'],
      'ol+rb': ['oFoo', 'oFoo', 'oFoo'],
    },
  ),
  ...rows(
    'OLD without keyUsage (openssl-made)',
    { old: oddOld({ usages: null }) },
    {
      ol: ['oFoo', 'oFoo', 'FFFF'],
      'nl+br': ['oooo', 'oooo', 'Fooo'],
    },
  ),
  ...rows(
    "br with SKI other than NEW's",
    { br: oddBridge({ keyId: keyIdOfKey(keyFor('EC-P-256', 'other')) }) },
    {
      'nl+br': ['oooo', 'Fooo', 'Fooo'],
    },
  ),
  ...rows('br without SKI', { br: oddBridge({ keyId: null }) }, { 'nl+br': ['oooo', 'oooo', 'Fooo'] }),
  ...rows(
    'br without AKI (OLD has SKI)',
    { br: oddBridge({ authority: null }) },
    { 'nl+br': ['oooo', 'oooo', 'Fooo'] },
  ),
  ...rows(
    'leaf AKI has issuer+serial',
    {
      nl: leafLike(
        {
          subjectDer: nameOf('kube-apiserver'),
          key: keyFor('EC-P-256', 'leaf'),
          authority: issuerAndSerial(NEW.certificate),
        },
        NEW,
      ),
      ol: leafLike(
        {
          subjectDer: nameOf('kube-apiserver'),
          key: keyFor('EC-P-256', 'leaf'),
          authority: issuerAndSerial(OLD.certificate),
        },
        OLD,
      ),
    },
    { 'nl+br': ['oooo', 'Fooo', 'Fooo'], 'ol+rb': ['oooo', 'oFoo', 'oFoo'] },
  ),
  ...rows(
    'br subject re-encoded (UTF8 for Printable)',
    {
      br: oddBridge({ subjectDer: nameOf('kubernetes-ca-2026-11-24', 'utf8') }),
    },
    { 'nl+br': ['Fooo', 'oooo', 'oooo'] },
  ),
  ...rows('br issuer re-encoded', { br: oddBridge({}, reencoded()) }, { 'nl+br': ['Fooo', 'oooo', 'oooo'] }),
  ...rows(
    'br expired, still served',
    { br: oddBridge({ notBefore: NOW - 9 * DAY, notAfter: NOW - DAY }) },
    { 'nl+br': ['Fooo', 'Fooo', 'Fooo'] },
  ),
  ...rows(
    'bridge.notAfter > OLD.notAfter',
    {
      old: oddOld({ notAfter: NOW + DAY }),
      br: oddBridge({ notAfter: NOW + YEAR }, oddOld({ notAfter: NOW + DAY })),
    },
    { 'nl+br': ['oooo', 'oooo', 'oooo'] },
  ),
  ...rows(
    "OLD's EKU without serverAuth",
    { old: oddOld({ extUsages: ['clientAuth'] }) },
    { 'nl+br': ['Fooo', 'Fooo', 'Fooo'], ol: ['FFFF', 'FFFF', 'FFFF'] },
  ),
  ...rows(
    "OLD's keyUsage without keyCertSign",
    { old: oddOld({ usages: ['digitalSignature', 'cRLSign'] }) },
    {
      'nl+br': ['Fooo', 'Fooo', 'Fooo'],
      ol: ['FFFF', 'FFFF', 'FFFF'],
    },
  ),
  ...rows('same subject, bridge with explicit AKI', sameSubject(), {
    'nl+br': ['oooo', 'oooo', 'oooo'],
    'ol+rb': ['oooo', 'oooo', 'oooo'],
    ol: ['oFoo', 'oFoo', 'oFoo'],
    nl: ['Fooo', 'Fooo', 'Fooo'],
  }),
  ...rows(
    'same subject, bridge without AKI (as Go makes it)',
    {
      ...withoutAuthority,
      br: caLike(
        { subjectDer: nameOf('kubernetes'), key: keyFor('EC-P-256', 'new'), authority: null },
        withoutAuthority.old as Issuer,
      ),
    },
    { 'nl+br': ['oooo', 'Fooo', 'Fooo'] },
  ),
  ...rows('same subject, OLD pathlen:0 (self-issued CAs do not count for OpenSSL)', sameSubject({ pathLen: 0 }), {
    'nl+br': ['Fooo', 'oooo', 'oooo'],
  }),
  ...rows('same subject, OLD without SKI (no order works)', sameSubject({ keyId: null }), {
    ol: ['oFoo', 'oFoF', 'FFFF'],
    nl: ['Fooo', 'FoFo', 'FoFo'],
  }),
];
