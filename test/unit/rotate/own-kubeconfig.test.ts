import { expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/client.ts';
import type { AuthorityMaterial } from '../../../src/rotate/material.ts';
import { refuseOwnCutOff } from '../../../src/rotate/own-kubeconfig.ts';
import { ca, clientLeaf } from '../cluster/material.ts';

const OLD = ca('kubernetes');
const NEW = ca('kubernetes-2026');
const materials = [{ authority: 'kubernetes', old: OLD, new: NEW } as unknown as AuthorityMaterial];
const pem = (...cas: (typeof OLD)[]) => cas.map(({ certificate }) => certificate.pem).join('');

const withKubeconfig = (credentials: { cert?: string; ca?: string; insecure?: boolean }) => () =>
  refuseOwnCutOff({
    materials,
    cluster: { credentials: () => ({ insecure: false, files: ['/k'], ...credentials }) } as unknown as Cluster,
  });

test('a kubeconfig from old is refused before retire, with the commands that mend what is wrong with it', () => {
  const hints = (act: () => void): string => {
    try {
      act();
    } catch (thrown) {
      return [(thrown as Error).message, ...(thrown as { hints: string[] }).hints].join('\n');
    }
    return '';
  };
  const both = hints(withKubeconfig({ cert: clientLeaf(OLD).cert, ca: pem(OLD) }));
  expect(both).toMatch(/presents a certificate from CN=kubernetes and does not trust the new CA/);
  expect(both).toMatch(/kubeconfig reissue \/k/);
  expect(both).toMatch(/kubeconfig add --ca new\.crt \/k/);
  expect(hints(withKubeconfig({ cert: clientLeaf(NEW).cert, ca: pem(OLD) }))).not.toMatch(/reissue/);
  expect(hints(withKubeconfig({ cert: clientLeaf(OLD).cert, ca: pem(OLD, NEW) }))).not.toMatch(/add --ca/);
});

test('one that will go on is not: from new, by a token, with a CA of its own for a load balancer, or with none', () => {
  expect(withKubeconfig({ cert: clientLeaf(NEW).cert, ca: pem(OLD, NEW) })).not.toThrow();
  expect(withKubeconfig({ ca: pem(NEW) })).not.toThrow();
  expect(withKubeconfig({ cert: clientLeaf(NEW).cert, ca: pem(ca('balancer')) })).not.toThrow();
  expect(withKubeconfig({ insecure: true, ca: pem(OLD) })).not.toThrow();
});
