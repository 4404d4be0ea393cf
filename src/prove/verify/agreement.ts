// Things that must be alike or belong together: copies of the root CA, leafs and their keys.

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

function pairChecks({ inventory }: VerifyContext): Check[] {
  return inventory.stores
    .filter(({ keySpki, certs }) => keySpki !== undefined && certs.length > 0)
    .map(({ id, keySpki, certs, keyPath }) => {
      const ok = certs[0]?.spki === keySpki;
      return check(
        'pair',
        id,
        ok,
        ok ? 'certificate and key belong together' : `the key ${keyPath} is not that of ${certs[0]?.subject}`,
      );
    });
}
