// Certificates that were signed and not yet taken up, and nodes that join meanwhile: both are told by the CSRs of the last quarter of an hour.

import { posix } from 'node:path';
import { type Csr, listCsrs } from '../cluster/csr.ts';
import { IN_FLIGHT_LIMIT } from '../core/catalog/published.ts';
import { fileUses } from '../core/catalog/stores-of.ts';
import type { Proof } from '../core/model/step.ts';
import type { Credential } from '../core/model/value.ts';
import { findFiles } from '../nodes/files.ts';
import type { Certificate } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import { credentialIn } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import { generationsOf } from './resolve.ts';
import { seconds, serverClock } from './times.ts';

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
 * Its kubelet's current pair is this certificate or a later one, or one of its earlier pairs is: the store keeps them all
 * (C:util/certificate/certificate_store.go), and what reroot has put into their place since begins a day earlier.
 */
async function isTakenUp(ctx: LookContext, { csr, leaf }: Flight): Promise<boolean> {
  const node =
    /(?:^|,)CN=system:node:([^,]+)/.exec(leaf.subject)?.[1] ?? csr.spec.username?.replace(/^system:node:/, '');
  const kubelet = ctx.inventory.instances.find((one) => one.node === node && one.component === 'kubelet');
  if (!kubelet) return false;
  const path = fileUses(kubelet).find(({ use }) => use === 'kubeconfig-client')?.path;
  if (path === undefined) return false;
  const file = (await ctx.read(kubelet.node, [path])).get(path);
  const current = file?.bytes && parseCertificates(file.bytes, path)[0];
  if (current !== undefined && (current.fingerprint === leaf.fingerprint || current.notBefore >= leaf.notBefore))
    return true;
  const earlier = await earlierPairs(ctx, kubelet.node, path);
  return earlier.some((certificate) => certificate.fingerprint === leaf.fingerprint);
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
