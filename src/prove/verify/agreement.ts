// Things that must be alike or belong together: copies of the root CA, leafs and their keys.

import type { Store } from '../../core/model/inventory.ts';
import { flag } from '../../discover/argv.ts';
import { type Check, check, type VerifyContext } from './check.ts';

export const agreementChecks = (ctx: VerifyContext): Check[] => [...publishedChecks(ctx), ...pairChecks(ctx)];

/** Every copy is what the leader's file holds now, in every namespace. */
function publishedChecks({ inventory }: VerifyContext): Check[] {
  const copies = inventory.stores.filter(({ publishedBy }) => publishedBy === 'root-ca-publisher');
  if (copies.length === 0) return [];
  const leader = inventory.instances.find(({ component, leader }) => component === 'kube-controller-manager' && leader);
  const path = leader && flag(leader.flags, 'root-ca-file');
  const source = inventory.stores.find(({ id }) => id === `file/${leader?.node}:${path}`);
  const content = (certs: readonly { fingerprint: string }[]) => certs.map(({ fingerprint }) => fingerprint).join();
  const wanted = source ? content(source.certs) : content(copies[0]?.certs ?? []);
  const other = copies.filter(({ certs }) => content(certs) !== wanted);
  const covered = new Set(copies.map(({ id }) => id));
  const missing = inventory.namespaces.filter(
    (namespace) => !covered.has(`object/ConfigMap/${namespace}/kube-root-ca.crt#ca.crt`),
  );
  const like = source ? `as ${source.id} of the leader` : 'alike';
  return [
    check(
      'published',
      'kube-root-ca.crt and token Secrets',
      other.length === 0,
      other.length === 0
        ? `${copies.length} copies, all ${like}`
        : `${other.length} of ${copies.length} copies are not ${like}: ${other
            .slice(0, 3)
            .map(({ id }) => id)
            .join(', ')}`,
    ),
    ...(missing.length > 0
      ? [
          check(
            'published',
            'kube-root-ca.crt',
            false,
            `${missing.length} namespaces have none: ${missing.slice(0, 3).join(', ')}`,
          ),
        ]
      : []),
  ];
}

/** One line a node while all is well; each pair that does not fit is a line of its own. */
function pairChecks({ inventory }: VerifyContext): Check[] {
  const pairs = inventory.stores.filter(({ keySpki, certs }) => keySpki !== undefined && certs.length > 0);
  const fits = ({ keySpki, certs }: Store): boolean => certs[0]?.spki === keySpki;
  const counts = new Map<string, number>();
  for (const store of pairs.filter(fits)) counts.set(store.node ?? '', (counts.get(store.node ?? '') ?? 0) + 1);
  return [
    ...[...counts].map(([node, count]) =>
      check('pair', node, true, `${count} certificates and their keys belong together`),
    ),
    ...pairs
      .filter((store) => !fits(store))
      .map(({ id, keyPath, certs }) =>
        check('pair', id, false, `the key ${keyPath} is not that of ${certs[0]?.subject}`),
      ),
  ];
}
