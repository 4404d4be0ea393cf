// A kubelet's serving certificate from the cluster's own signer: asked for as the node, with the key it has, checked, and approved by
// reroot, for nobody else approves what this signer signs.

import type { KeyObject } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { type Cluster, connectAs } from '../cluster/client.ts';
import { approveSeen, awaitCertificate, createCsr, deleteCsr, getCsr } from '../cluster/csr.ts';
import { fileUses } from '../core/catalog/stores-of.ts';
import { EXIT, RerootError } from '../errors.ts';
import { readFiles } from '../nodes/files.ts';
import { type Certificate, verifiedBy } from '../pki/certificate.ts';
import { makeCSR } from '../pki/csr.ts';
import { publicSpki } from '../pki/keys.ts';
import { keyToPem, parseCertificates, parsePrivateKey, toPem } from '../pki/pem.ts';
import type { Context } from './context.ts';
import { KUBELET_SERVING, type NodeAddress, reasonsNotToApprove } from './serving-csr-check.ts';

export interface ServingOrder {
  node: string;
  /** What it serves now: its names are kept. */
  leaf: Certificate;
  key: KeyObject;
  /** Who must have signed it. */
  issuer: Certificate;
}

const usagesOf = (key: KeyObject): string[] => [
  'digital signature',
  ...(key.asymmetricKeyType === 'rsa' ? ['key encipherment'] : []),
  'server auth',
];

/**
 * The new leaf. Throws RerootError where the node may not ask, the request is not to be approved, or what came back is not from the
 * wanted CA and for this key. The request is removed whatever happens.
 */
export async function orderServing(ctx: Context, order: ServingOrder): Promise<Certificate> {
  const { cluster } = ctx;
  const pair = await nodeIdentity(ctx, order.node);
  const asNode = connectAs(cluster, pair);
  const name = `reroot-${order.node}-serving-${randomBytes(4).toString('hex')}`;
  try {
    return await ordered(ctx, asNode, name, order);
  } finally {
    await deleteCsr(cluster, name).catch(() => undefined);
    await asNode.close();
  }
}

async function ordered(ctx: Context, asNode: Cluster, name: string, order: ServingOrder): Promise<Certificate> {
  const { node, leaf, key, issuer } = order;
  const request = makeCSR({
    key,
    subject: { commonName: `system:node:${node}`, organizations: ['system:nodes'] },
    dnsNames: leaf.dnsNames,
    ipAddresses: leaf.ipAddresses,
  });
  const { metadata } = await createCsr(asNode, { name, request, signerName: KUBELET_SERVING, usages: usagesOf(key) });
  const [csr, addresses] = await Promise.all([getCsr(ctx.cluster, name), addressesOf(ctx.cluster, node)]);
  const created = { name, ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) };
  const against = reasonsNotToApprove(csr, { node, addresses, request, created, spki: publicSpki(key) });
  if (against.length > 0) {
    throw new RerootError(
      EXIT.failedSafe,
      `the request of ${node} for a serving certificate is not approved: ${against.join('; ')}`,
      {
        hints: [`kubectl get node ${node} -o jsonpath={.status.addresses} shows what it may be called`],
      },
    );
  }
  await approveSeen(ctx.cluster, csr, `reroot ${ctx.record.id}: ${node} serves a certificate from the cluster's CA`);
  const [fresh] = parseCertificates(await awaitCertificate(ctx.cluster, name, { signal: ctx.signal }), name);
  if (!fresh || !verifiedBy(fresh, issuer) || fresh.spki !== publicSpki(key)) {
    throw new RerootError(
      EXIT.failedSafe,
      `${KUBELET_SERVING} answered ${name} with a certificate that is not from ${issuer.subject} for the node's key`,
    );
  }
  return fresh;
}

async function addressesOf(cluster: Cluster, node: string): Promise<NodeAddress[]> {
  const { status } = await cluster.get<{ metadata: { name: string }; status?: { addresses?: NodeAddress[] } }>(
    `/api/v1/nodes/${node}`,
  );
  return status?.addresses ?? [];
}

/** The kubelet's own client certificate and key, read from its node and kept in memory. */
async function nodeIdentity(ctx: Context, node: string): Promise<{ cert: string; key: string }> {
  const kubelet = ctx.inventory.instances.find((one) => one.node === node && one.component === 'kubelet');
  const file = kubelet && fileUses(kubelet).find(({ use, kind }) => use === 'kubeconfig-client' && kind === 'leaf');
  if (!file)
    throw new RerootError(
      EXIT.failedSafe,
      `${node} has no file with its kubelet's client certificate, so nothing can be asked for in its name`,
    );
  const paths = [file.path, file.keyPath ?? file.path];
  const files = await readFiles(ctx.accessOf(node), paths);
  const [cert, key] = paths.map((path) => files.get(path)?.bytes?.toString('utf8'));
  if (cert === undefined || key === undefined)
    throw new RerootError(EXIT.failedSafe, `${file.path} on ${node} cannot be read`);
  return { cert: toPem(parseCertificates(cert, file.path)), key: keyToPem(parsePrivateKey(key, file.path)) };
}
