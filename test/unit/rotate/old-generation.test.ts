import { expect, it } from 'vitest';
import { fakeCA, fakeLeaf, OLD, PKI, syntheticInventory } from '../../../bench/inventory.ts';
import { fileId } from '../../../src/core/model/ids.ts';
import type { CertFact } from '../../../src/core/model/inventory.ts';
import { anchorInUse } from '../../../src/rotate/old-generation.ts';

const PEOPLE = fakeCA('acme people');

function chosen(
  beside: CertFact,
  change: (inventory: ReturnType<typeof syntheticInventory>) => void = () => undefined,
): string {
  const inventory = syntheticInventory();
  const [fact] = inventory.authorities;
  fact!.anchors = [beside, OLD];
  change(inventory);
  return anchorInUse('kubernetes', fact!, inventory).fingerprint;
}

it('of two CAs that are trusted takes the one that signed what is in use', () => {
  expect(chosen(PEOPLE)).toBe(OLD.fingerprint);
});

it('refuses two that signed what is in use', () => {
  const leaf = fakeLeaf('kube-apiserver', PEOPLE);
  expect(() =>
    chosen(PEOPLE, (i) => (i.stores.find(({ id }) => id === fileId('cp2', `${PKI}/apiserver.crt`))!.certs = [leaf])),
  ).toThrow(/2 CAs are trusted now/);
});

it('refuses one that is another generation by its name, whoever made it', () => {
  for (const subject of [OLD.subject, `${OLD.subject}-ca-2025-01-31`, `${OLD.subject.toUpperCase()}-2025-01-31-2`])
    expect(() => chosen({ ...PEOPLE, subject }), subject).toThrow(/2 CAs are trusted now/);
});

it('refuses two of which neither signed anything', () => {
  expect(() => chosen(PEOPLE, (i) => (i.stores = i.stores.filter(({ certs: [leaf] }) => !leaf || leaf.isCA)))).toThrow(
    /2 CAs are trusted now/,
  );
});
