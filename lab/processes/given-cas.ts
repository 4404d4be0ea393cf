// CAs that a lab is to have instead of kubeadm's own (`lab up --with-ca`), and a lab whose CA keys are kept elsewhere (`--without-ca-key`).

import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf, wrongUse } from '../../src/errors.ts';
import { matches } from '../../src/pki/keys.ts';
import { parseCertificates, parsePrivateKey } from '../../src/pki/pem.ts';
import { controllerManagerFlags } from './flags.ts';
import { isRoot, NOBODY } from './identity.ts';
import type { Place } from './layout.ts';
import { commandOf, manifestOf, writeManifest } from './manifest.ts';
import { runOf } from './run.ts';

const PAIRS = ['ca', 'front-proxy-ca'] as const;
const FILES: readonly string[] = PAIRS.flatMap((name) => [`${name}.crt`, `${name}.key`]);
/** Below the pki folder: every key that signs certificates. */
const CA_KEYS = [...PAIRS, 'etcd/ca'].map((name) => `${name}.key`);

/** File name to content, of one to four files: `ca.crt`, `ca.key`, `front-proxy-ca.crt`, `front-proxy-ca.key`. */
export type GivenCAs = ReadonlyMap<string, string>;

/** Throws wrongUse unless the folder holds one pair or both, each a CA certificate with its key. Other files in it are an error too. */
export function readGivenCAs(folder: string): GivenCAs {
  const names = namesIn(folder);
  const strange = names.filter((name) => !FILES.includes(name));
  if (strange.length > 0) throw unfit(folder, `${strange.join(', ')} is none of ${FILES.join(', ')}`);
  if (names.length === 0) throw unfit(folder, `none of ${FILES.join(', ')} is in it`);
  const given = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  for (const name of PAIRS) demandPair(folder, name, given);
  return given;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    throw wrongUse(`--with-ca ${folder} cannot be read: ${reasonOf(thrown)}`, 'give a folder that holds CA files');
  }
}

const unfit = (folder: string, why: string) =>
  wrongUse(`--with-ca ${folder}: ${why}`, `it may hold ${FILES.join(', ')}: each certificate with its key`);

/** kubeadm signs with them, so a certificate without its key (or the other way round) is of no use to it. */
function demandPair(folder: string, name: string, given: GivenCAs): void {
  const [cert, key] = [given.get(`${name}.crt`), given.get(`${name}.key`)];
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined)
    throw unfit(folder, `${name}.${cert === undefined ? 'crt' : 'key'} is missing`);
  const [ca] = parseCertificates(cert, join(folder, `${name}.crt`));
  if (!ca?.isCA) throw unfit(folder, `${name}.crt is no CA certificate`);
  if (!matches(ca, parsePrivateKey(key, join(folder, `${name}.key`))))
    throw unfit(folder, `${name}.key does not belong to ${name}.crt`);
}

/** For the lab's file, to know the same CAs again. Keys leave no trace in it. */
export const digestOf = (given: GivenCAs): string =>
  createHash('sha256')
    .update(
      PAIRS.map((name) => given.get(`${name}.crt`) ?? '')
        .join('\n')
        .trim(),
    )
    .digest('hex');

/** Puts them where kubeadm's phases find them and make none of their own. Run before the lab's user takes over. */
export function placeGivenCAs(dir: string, given: GivenCAs): void {
  const pki = join(dir, 'nodes/cp1/etc/kubernetes/pki');
  mkdirSync(pki, { recursive: true });
  const written = [...given].map(([name, text]) => {
    const path = join(pki, name);
    writeFileSync(path, text, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
    return path;
  });
  if (!isRoot()) return;
  for (const path of written) chownSync(path, NOBODY, NOBODY);
  for (let folder = pki; folder !== dir; folder = dirname(folder)) chownSync(folder, NOBODY, NOBODY);
}

/**
 * What kubeadm calls external CA mode: no CA key on any node, and controller managers with empty signing flags, so that they sign nothing
 * (cmd/kubeadm/app/phases/controlplane/manifests.go). Done last, for the lab's own webhook was signed by the cluster.
 */
export async function takeKeysAway(place: Place): Promise<void> {
  for (const node of place.planes) {
    for (const key of CA_KEYS) rmSync(place.etc(node.name, 'pki', key), { force: true });
    const name = 'kube-controller-manager';
    const flags = {
      ...controllerManagerFlags(place, node),
      'cluster-signing-cert-file': '',
      'cluster-signing-key-file': '',
    };
    writeManifest(
      place.manifest(node.name, name),
      manifestOf(name, commandOf(name, flags), { labels: { tier: 'control-plane' } }),
    );
    await runOf(place, 'restart', [node.name, name]);
  }
}

/** Whether a lab has what is asked for; a word for what differs, else undefined. */
export function otherCAs(
  lab: { givenCAs?: string | undefined; withoutCAKey?: boolean | undefined },
  wanted: { givenCAs?: GivenCAs; withoutCAKey: boolean },
): string | undefined {
  if (wanted.givenCAs && lab.givenCAs !== digestOf(wanted.givenCAs)) return 'with other CAs than --with-ca names';
  if (wanted.withoutCAKey && !lab.withoutCAKey) return 'with its CA keys';
  return undefined;
}
