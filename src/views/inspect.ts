// What `reroot inspect` prints for people: authorities with their stores and users, then findings with the fix for each.

import { AUTHORITIES, type Authority } from '../core/model/ids.ts';
import type { AuthorityFact, CertFact, Finding, Inventory, Store } from '../core/model/inventory.ts';
import { some } from '../core/model/some.ts';
import type { Colours } from './colours.ts';
import { groupStores, rootOf, type StoreGroup, type Users } from './inspect-groups.ts';
import { columns, dateTime, distance, plural, short } from './text.ts';

export interface InspectView {
  inventory: Inventory;
  users: Users;
  colours: Colours;
}

/** Lines for a terminal or a file; without colours they are the same text. */
export function inspectLines({ inventory, users, colours }: InspectView): string[] {
  const groups = groupStores(inventory, users);
  const lines = [...header(inventory, colours), ''];
  for (const authority of AUTHORITIES) {
    const fact = inventory.authorities.find((one) => one.authority === authority);
    const own = groups.filter((group) => group.authority === authority);
    if (!fact && own.length === 0) continue;
    lines.push(...authorityLines(authority, fact, inventory.takenAt, colours));
    lines.push(...storeLines(own, inventory), '');
  }
  const others = groups.filter((group) => group.authority === undefined);
  if (others.length > 0) {
    lines.push(colours.bold('of no authority above'), ...storeLines(others, inventory), '');
  }
  lines.push(...findingLines(inventory.findings, colours));
  return lines;
}

function header({ cluster, nodes, instances, pods, takenAt, namespaces }: Inventory, colours: Colours): string[] {
  const away = nodes.filter((node) => !node.reached);
  const rows = [
    ['cluster', `Kubernetes ${cluster.version} at ${cluster.server}, seen ${dateTime(takenAt)}`],
    [
      'nodes',
      some(
        nodes.map((node) => `${node.name}${node.roles.includes('control-plane') ? ' (control plane)' : ''}`),
        8,
      ),
    ],
    ['running', some(countBy(instances.map((instance) => instance.component)), 12)],
    ['also', `${plural(pods.length, 'pod')}, ${plural(namespaces.length, 'namespace')}`],
  ];
  if (away.length > 0)
    rows.push([
      'away',
      some(
        away.map((node) => `${node.name}: ${node.why ?? 'not reached'}`),
        8,
      ),
    ]);
  return columns(rows.map(([name = '', text = '']) => [colours.dim(name), text]));
}

function countBy(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => `${count} ${name}`);
}

function authorityLines(
  authority: Authority,
  fact: AuthorityFact | undefined,
  now: number,
  colours: Colours,
): string[] {
  const lines = (fact?.anchors ?? []).map((anchor) => {
    const keys = (fact?.keys ?? []).filter((key) => key.fingerprint === anchor.fingerprint);
    const key = keys.length > 0 ? `key on ${[...new Set(keys.map((one) => one.node))].join(', ')}` : 'key not found';
    return `  ${anchor.subject}  ${short(anchor.fingerprint)}  ${anchor.keyType}  until ${expiry(anchor, now)}  ${key}`;
  });
  if (lines.length === 0 && authority === 'service-account') lines.push('  a key pair, no certificates');
  return [colours.bold(authority), ...lines];
}

const expiry = (cert: CertFact, now: number): string =>
  `${dateTime(cert.notAfter)} (${cert.notAfter < now ? 'expired ' : ''}${distance(cert.notAfter, now)})`;

function storeLines(groups: readonly StoreGroup[], inventory: Inventory): string[] {
  if (groups.length === 0) return ['  no store found'];
  const rows = groups.map((group) => [
    what(group),
    group.stores[0]?.fault ? 'unreadable' : untilWhen(group, inventory.takenAt),
    group.place,
    group.users.length > 0 ? `<- ${some(group.users, 4)}` : '   used by nobody seen',
  ]);
  const rank = (role: string): number => (role.startsWith('trusts') ? 0 : role.startsWith('presents') ? 2 : 1);
  rows.sort(([a = '', , c = ''], [b = '', , d = '']) => rank(a) - rank(b) || a.localeCompare(b) || c.localeCompare(d));
  return columns(rows).map((line) => `  ${line}`);
}

const KINDS: Record<Store['kind'], string> = {
  bundle: 'trusts',
  'object-bundle': 'trusts',
  'kubeconfig-ca': 'trusts',
  leaf: 'presents',
  'object-leaf': 'presents',
  'kubeconfig-client': 'presents',
  pair: 'pair',
  manifest: 'flags',
};

/** `trusts kubernetes (2 CAs)`, `presents kube-apiserver +1`. */
function what({ stores }: StoreGroup): string {
  const [first] = stores;
  if (!first) return '';
  const role = first.kind === 'leaf' && first.certs[0]?.isCA ? 'CA pair' : KINDS[first.kind];
  const names = [...new Set(stores.map((store) => store.certs[0]).map((cert) => (cert ? commonName(cert) : '-')))];
  const more = first.certs.length > 1 ? ` +${first.certs.length - 1}` : '';
  return `${role} ${some(names, 1)}${more}`;
}

/** The common name of a subject in RFC 4514 text, or the whole of it. */
export const commonName = (cert: CertFact): string =>
  /(?:^|,)CN=((?:\\.|[^,\\+])*)/.exec(cert.subject)?.[1] ?? cert.subject;

function untilWhen(group: StoreGroup, now: number): string {
  const ends = group.stores.flatMap((store) => store.certs.map((cert) => cert.notAfter));
  if (ends.length === 0) return 'empty';
  const first = Math.min(...ends);
  const generations = new Set(group.stores.flatMap((store) => store.certs.map((cert) => rootOf(cert) ?? 'other')));
  const from = [...generations].map((root) => (root === 'other' ? 'unknown CA' : short(root))).join('+');
  return `${from}  ${dateTime(first).slice(0, 10)} ${distance(first, now)}`;
}

const ORDER: Record<Finding['severity'], number> = { error: 0, warning: 1, note: 2 };

function findingLines(findings: readonly Finding[], colours: Colours): string[] {
  if (findings.length === 0) return ['findings: none'];
  const paint = { error: colours.red, warning: colours.yellow, note: colours.dim };
  const sorted = [...findings].sort(
    (a, b) => ORDER[a.severity] - ORDER[b.severity] || a.reason.localeCompare(b.reason),
  );
  const lines = [colours.bold(`findings (${findings.length})`)];
  for (const finding of sorted) {
    lines.push(`  ${paint[finding.severity](finding.severity)} ${finding.reason}  ${finding.subject}`);
    lines.push(`    ${finding.message}`);
    if (finding.fix) lines.push(`    ${colours.dim('fix:')} ${finding.fix}`);
  }
  return lines;
}
