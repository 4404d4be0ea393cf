// What a thief of old credentials would try after retire: every server, with the old leaf bare and with every bridge that was ever made.

import { createHash, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { parse } from 'yaml';
import { kubectl, type TestLab } from './harness.ts';

export interface OldCredentials {
  ca: string;
  frontProxyCA: string;
  /** system:masters, by the old CA. */
  admin: { cert: string; key: string };
  frontProxy: { cert: string; key: string };
}

export interface Door {
  endpoint: string;
  what: string;
  opened: boolean;
  answer: string;
}

const PKI = 'etc/kubernetes/pki';

export function takeOldCredentials(lab: TestLab): OldCredentials {
  const read = (path: string): string => readFileSync(lab.file('cp1', path), 'utf8');
  const { user } = parse(read('etc/kubernetes/super-admin.conf')).users[0];
  const decoded = (data: string): string => Buffer.from(data, 'base64').toString('utf8');
  return {
    ca: read(`${PKI}/ca.crt`),
    frontProxyCA: read(`${PKI}/front-proxy-ca.crt`),
    admin: { cert: decoded(user['client-certificate-data']), key: decoded(user['client-key-data']) },
    frontProxy: { cert: read(`${PKI}/front-proxy-client.crt`), key: read(`${PKI}/front-proxy-client.key`) },
  };
}

/** Every endpoint tried with every chain. `opened` means that a secret thing was read. */
export async function oldDoors(lab: TestLab, old: OldCredentials): Promise<Door[]> {
  const bridges = lab.record().authorities.flatMap(({ authority, bridges: made }) =>
    Object.entries(made).map(([purpose, pem]) => ({
      name: `the ${purpose} bridge of ${authority}`,
      pem: pem as string,
    })),
  );
  const chains = [{ name: 'bare', pem: '' }, ...bridges];
  const status = JSON.parse(kubectl(lab, ['get', 'nodes', '-o', 'json']));
  const doors: Door[] = [];
  for (const { name, pem } of chains) {
    for (const node of status.items) {
      const host = node.status.addresses.find((address: { type: string }) => address.type === 'InternalIP').address;
      if (!node.metadata.name.startsWith('cp')) continue;
      doors.push(await knock(`${host}:6443`, `old system:masters, ${name}`, old.admin, pem, '/api/v1/secrets', {}));
      doors.push(
        await knock(
          `${host}:6443`,
          `old front-proxy client, ${name}`,
          old.frontProxy,
          pem,
          '/api/v1/secrets',
          REMOTE_ADMIN,
        ),
      );
    }
    doors.push(
      await knock(sampleEndpoint(lab), `old front-proxy client, ${name}`, old.frontProxy, pem, FLUNDERS, REMOTE_ADMIN),
    );
    doors.push(await knock(sampleEndpoint(lab), `old system:masters, ${name}`, old.admin, pem, FLUNDERS, {}));
  }
  return doors;
}

const REMOTE_ADMIN = { 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters' };
const FLUNDERS = '/apis/wardle.example.com/v1alpha1/flunders';

function sampleEndpoint(lab: TestLab): string {
  const service = JSON.parse(kubectl(lab, ['get', 'apiservice', 'v1alpha1.wardle.example.com', '-o', 'json'])).spec
    .service;
  const target = JSON.parse(kubectl(lab, ['get', 'service', '-n', service.namespace, service.name, '-o', 'json'])).spec;
  return `${target.externalName}:${service.port ?? 443}`;
}

function knock(
  endpoint: string,
  what: string,
  client: { cert: string; key: string },
  bridge: string,
  path: string,
  headers: Record<string, string>,
): Promise<Door> {
  const [host, port] = endpoint.split(':');
  return new Promise((resolve) => {
    const answer = (text: string, opened: boolean): void => resolve({ endpoint, what, opened, answer: text });
    const asked = request(
      {
        host,
        port: Number(port),
        path,
        headers,
        cert: client.cert + bridge,
        key: client.key,
        rejectUnauthorized: false,
        agent: false,
        timeout: 10_000,
      },
      (response) => {
        response.resume();
        answer(`HTTP ${response.statusCode}`, response.statusCode === 200);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', (error) => answer(error.message, false));
    asked.end();
  });
}

const fingerprint = (pem: string): string => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');

/** Ids of stores (files of the lab's nodes and objects) that hold an old CA certificate, by fingerprint, found without reroot's own code. */
export function fingerprintsOf(lab: TestLab, old: OldCredentials): string[] {
  const wanted = new Set([old.ca, old.frontProxyCA].map(fingerprint));
  const holds = (text: string): boolean => pemsIn(text).some((pem) => wanted.has(safeFingerprint(pem)));
  const found: string[] = [];
  for (const node of readdirSync(join(lab.dir, 'nodes'))) {
    for (const path of filesBelow(join(lab.dir, 'nodes', node))) {
      if (/\/(log|etcd)\//.test(path) || path.endsWith('/reroot/record.json')) continue;
      if (holds(withDecoded(readFileSync(path, 'utf8')))) found.push(`file/${node}:${path}`);
    }
  }
  for (const kind of [
    'configmaps',
    'secrets',
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
    'apiservices',
    'customresourcedefinitions',
  ]) {
    for (const item of JSON.parse(kubectl(lab, ['get', kind, '-A', '-o', 'json'])).items) {
      if (holds(withDecoded(JSON.stringify(item))))
        found.push(`object/${item.kind}/${item.metadata.namespace ?? ''}/${item.metadata.name}`);
    }
  }
  return found;
}

const pemsIn = (text: string): string[] =>
  text.replace(/\\n/g, '\n').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

function safeFingerprint(pem: string): string {
  try {
    return fingerprint(pem);
  } catch {
    return '';
  }
}

/** The text, and whatever is base64 of a PEM in it. */
const withDecoded = (text: string): string =>
  [
    text,
    ...(text.match(/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g) ?? []).map((data) => Buffer.from(data, 'base64').toString('utf8')),
  ].join('\n');

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    if (entry.isFile()) return [path];
    return entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isFile() ? [path] : [];
  });
}
