// Certificates that were signed and not yet taken up, and nodes that join meanwhile: both are told by the CSRs of the last quarter of an hour.

import { posix } from 'node:path';
import { type Csr, listCsrs } from '../cluster/csr.ts';
import { IN_FLIGHT_LIMIT } from '../core/catalog/published.ts';
import { fileUses } from '../core/catalog/stores-of.ts';
import type { Instance } from '../core/model/inventory.ts';
import type { Proof } from '../core/model/step.ts';
import type { Credential } from '../core/model/value.ts';
import { findFiles } from '../nodes/files.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { readKubeconfig } from '../stores/kubeconfig-file.ts';
import { credentialIn } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import { generationsOf } from './resolve.ts';
import { ours, seconds, serverClock } from './times.ts';

const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
/** Users and groups of bootstrap tokens (K:plugin/pkg/auth/authenticator/token/bootstrap). */
const BOOTSTRAP = /^system:bootstrap:/;

interface Flight {
  csr: Csr;
  leaf: Certificate;
  age: number;
}

async function flights(ctx: LookContext): Promise<Flight[]> {
  const [csrs, now] = await Promise.all([listCsrs(ctx.cluster), serverClock(ctx.cluster)]);
  return csrs.flatMap((csr) => {
    const age = now - Date.parse(csr.metadata.creationTimestamp ?? '');
    const pem = csr.status?.certificate;
    if (csr.spec.signerName !== KUBELET_CLIENT || pem === undefined || !(age < IN_FLIGHT_LIMIT)) return [];
    const [leaf] = parseCertificates(Buffer.from(pem, 'base64'), csr.metadata.name);
    return leaf ? [{ csr, leaf, age }] : [];
  });
}

/** Kubelet client certificates of a generation that would not do, which their kubelet has not put into its file yet. */
export async function inFlight(proof: Proof, ctx: LookContext): Promise<Look> {
  const authority = generationsOf(ctx, proof);
  const seen = await flights(ctx);
  const open: { flight: Flight; value: Credential }[] = [];
  for (const flight of seen) {
    const value = credentialIn(ctx, [flight.leaf], authority);
    if (!proof.keep.includes(value) && value !== 'other' && !(await isTakenUp(ctx, flight)))
      open.push({ flight, value });
  }
  const [first] = open;
  if (!first)
    return {
      value: proof.keep[0],
      evidence: `${seen.length} kubelet certificates of the last ${seconds(IN_FLIGHT_LIMIT)}, none on its way from another CA`,
    };
  const { csr, age } = first.flight;
  return {
    value: first.value,
    evidence: `${csr.metadata.name} of ${csr.spec.username ?? 'somebody'} was made ${seconds(age)} ago and its kubelet has not taken it up`,
  };
}

/**
 * It is not on its way any more: its kubelet has forgotten it, or its current pair is this certificate or a later one, or one of its earlier pairs is: the store keeps them all
 * (C:util/certificate/certificate_store.go), and what reroot has put into their place since begins a day earlier.
 */
async function isTakenUp(ctx: LookContext, flight: Flight): Promise<boolean> {
  const { csr, leaf } = flight;
  const node =
    /(?:^|,)CN=system:node:([^,]+)/.exec(leaf.subject)?.[1] ?? csr.spec.username?.replace(/^system:node:/, '');
  const kubelet = ctx.inventory.instances.find((one) => one.node === node && one.component === 'kubelet');
  if (!kubelet) return false;
  if (await isForgotten(ctx, flight, kubelet)) return true;
  const row = fileUses(kubelet).find(({ use }) => use === 'kubeconfig-client');
  if (row === undefined) return false;
  const { path } = row;
  const bytes = (await ctx.read(kubelet.node, [path])).get(path)?.bytes;
  // Some installers put the certificate itself into kubelet.conf.
  const pem =
    row.kind === 'kubeconfig-client' && bytes ? readKubeconfig(bytes.toString('utf8'), path).client?.pem : bytes;
  const current = pem === undefined ? undefined : parseCertificates(pem, path)[0];
  if (current !== undefined && (current.fingerprint === leaf.fingerprint || current.notBefore >= leaf.notBefore))
    return true;
  // A kubelet asks by a bootstrap token while its kubelet.conf opens nothing (K:kubelet/certificate/bootstrap/bootstrap.go), and nobody keeps the
  // earlier certificates of one that holds them itself.
  if (
    row.kind === 'kubeconfig-client' &&
    BOOTSTRAP.test(csr.spec.username ?? '') &&
    (current?.notAfter ?? 0) > ctx.now()
  )
    return true;
  const earlier = await earlierPairs(ctx, kubelet.node, path);
  return earlier.some((certificate) => certificate.fingerprint === leaf.fingerprint);
}

/** Between two clocks and the whole seconds of a creation time. Milliseconds. */
const MARGIN = 3_000;

/** Names of requests whose key lies in a file (K:pkg/kubelet/certificate/bootstrap/bootstrap.go digestedName); all others are `csr-` and five letters. */
const KEY_IN_FILE = /^node-csr-/;

/**
 * A kubelet that rotates its certificate holds the key of its request in memory until the answer comes (C:util/certificate/certificate_manager.go), of
 * its first one by a bootstrap token as well (K:cmd/kubelet/app/server.go buildKubeletClientConfig): one that has started since cannot take it up any more.
 * kubeadm init leaves such a request, for it restarts the kubelet. One that does not rotate has its key in a file, and takes it up again.
 */
async function isForgotten(ctx: LookContext, { csr, age }: Flight, kubelet: Instance): Promise<boolean> {
  const { username = '' } = csr.spec;
  const isItsOwn = username.startsWith('system:node:') || BOOTSTRAP.test(username);
  if (!isItsOwn || KEY_IN_FILE.test(csr.metadata.name)) return false;
  const running = await ctx.tables.of(kubelet);
  if (!running) return false;
  return ours(ctx, kubelet.node, running.process.startedAt) > ctx.now() - age + MARGIN;
}

/** `kubelet-client-2026-11-25-01-42-57.pem` beside `kubelet-client-current.pem`. */
async function earlierPairs(ctx: LookContext, node: string, current: string): Promise<Certificate[]> {
  const { dir, base } = posix.parse(current);
  const stem = /^(.*)-current\.pem$/.exec(base)?.[1];
  if (stem === undefined) return [];
  const paths = await findFiles(ctx.accessOf(node), [dir], [`${stem}-2*.pem`], { depth: 1 });
  const files = await ctx.read(node, paths);
  return paths.flatMap((path) => {
    const bytes = files.get(path)?.bytes;
    return bytes ? parseCertificates(bytes, path).slice(0, 1) : [];
  });
}

/** Names of nodes that have asked for a first certificate by a bootstrap token lately. */
export async function joining(ctx: LookContext): Promise<string[]> {
  const recent = (await flights(ctx)).filter(({ csr }) => BOOTSTRAP.test(csr.spec.username ?? ''));
  const open: string[] = [];
  for (const flight of recent) if (!(await isTakenUp(ctx, flight))) open.push(flight.csr.metadata.name);
  return open;
}
