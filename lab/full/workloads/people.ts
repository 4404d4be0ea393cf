// Who reaches the cluster from outside it or beside it: people with a kubeconfig of their own, and what a CNI plugin keeps on a node.

import { stringify } from 'yaml';
import type { Cluster } from '../../../src/cluster/client.ts';
import { approveCsr, awaitCertificate, createCsr, deleteCsr } from '../../../src/cluster/csr.ts';
import { makeCSR } from '../../../src/pki/csr.ts';
import { generateKey } from '../../../src/pki/keys.ts';
import { keyToPem } from '../../../src/pki/pem.ts';
import { NAMESPACE } from '../../load/objects.ts';
import { base64 } from '../../processes/objects.ts';
import { API_PORT, BALANCER_NAME } from '../place.ts';
import { rbac, roleRef, type Wanted } from './shapes.ts';

/** Two whose clients the load plays, and one who is just there. */
export const PEOPLE = ['kept', 'fresh', 'jane'] as const;
export const homeOf = (user: string): string => `/home/${user}/.kube/config`;

/** What a plugin such as Multus or Calico writes on each node that has pods. */
export const CNI_KUBECONFIG = '/etc/cni/net.d/lab-kubeconfig';

/** As people see the load balancer from inside the lab. */
export const INSIDE_SERVER = `https://${BALANCER_NAME}:${API_PORT}`;

const READERS = 'lab:readers';
export const readersMay: Wanted = rbac('RoleBinding', 'readers', NAMESPACE, {
  roleRef: roleRef('Role', NAMESPACE),
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: READERS }],
});

export interface Issued {
  certificate: string;
  key: string;
}

interface Order {
  name: string;
  signerName: string;
  usages: readonly string[];
  subject: { commonName: string; organizations: readonly string[] };
  dnsNames?: readonly string[];
}

const PATIENCE_MS = 60_000;

/** A certificate from one of the cluster's own signers. */
export async function issuedBy(
  cluster: Cluster,
  { name, signerName, usages, subject, dnsNames = [] }: Order,
): Promise<Issued> {
  const key = generateKey('EC-P-256');
  // One of that name is from an attempt that was cut off, and its key is lost.
  await deleteCsr(cluster, name);
  await createCsr(cluster, { name, request: makeCSR({ key, subject, dnsNames }), signerName, usages });
  await approveCsr(cluster, name, 'the lab makes its workloads');
  const certificate = await awaitCertificate(cluster, name, { timeout: PATIENCE_MS });
  await deleteCsr(cluster, name);
  return { certificate, key: keyToPem(key) };
}

export const personalCertificate = (cluster: Cluster, user: string): Promise<Issued> =>
  issuedBy(cluster, {
    name: `lab-${user}`,
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['digital signature', 'client auth'],
    subject: { commonName: user, organizations: [READERS] },
  });

/** The subject is one that signer signs for: that of a node. */
export const webhookCertificate = (cluster: Cluster, host: string): Promise<Issued> =>
  issuedBy(cluster, {
    name: 'lab-webhook',
    signerName: 'kubernetes.io/kubelet-serving',
    usages: ['digital signature', 'server auth'],
    subject: { commonName: 'system:node:lab-webhook', organizations: ['system:nodes'] },
    dnsNames: [host],
  });

export type Credential = { token: string } | Issued;

export function kubeconfigOf(user: string, ca: string, credential: Credential): string {
  const own =
    'token' in credential
      ? { token: credential.token }
      : {
          'client-certificate-data': base64(credential.certificate),
          'client-key-data': base64(credential.key),
        };
  const cluster = { server: INSIDE_SERVER, 'certificate-authority-data': base64(ca) };
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'lab',
      clusters: [{ name: 'lab', cluster }],
      users: [{ name: user, user: own }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
    },
    { lineWidth: 0 },
  );
}
