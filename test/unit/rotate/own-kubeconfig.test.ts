import { expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/client.ts';
import type { AuthorityMaterial } from '../../../src/rotate/material.ts';
import { type CutOff, refuseOwnCutOff } from '../../../src/rotate/own-kubeconfig.ts';
import { ca, clientLeaf } from '../cluster/material.ts';

const OLD = ca('kubernetes');
const NEW = ca('kubernetes-2026');
const materials = [{ authority: 'kubernetes', old: OLD, new: NEW } as unknown as AuthorityMaterial];
const pem = (...cas: (typeof OLD)[]) => cas.map(({ certificate }) => certificate.pem).join('');

const withKubeconfig = (credentials: { cert?: string; ca?: string; insecure?: boolean }, cut?: CutOff) => () =>
  refuseOwnCutOff(
    {
      materials,
      cluster: { credentials: () => ({ insecure: false, files: ['/k'], ...credentials }) } as unknown as Cluster,
    },
    cut,
  );

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

test('on the way back one from new is refused where it would be cut off, by the direction that is cut', () => {
  const back = (serving: boolean, clients: boolean): CutOff => ({ left: 'old', serving, clients });
  const fresh = { cert: clientLeaf(NEW).cert, ca: pem(NEW) };
  expect(withKubeconfig(fresh, back(true, false))).toThrow(/\/k does not trust the old CA: it would/);
  expect(withKubeconfig(fresh, back(false, true))).toThrow(
    /\/k presents a certificate from CN=kubernetes-2026: it would/,
  );
  expect(withKubeconfig({ ...fresh, ca: pem(OLD, NEW) }, back(true, false))).not.toThrow();
  expect(withKubeconfig({ cert: clientLeaf(OLD).cert, ca: pem(OLD) }, back(true, true))).not.toThrow();
});
