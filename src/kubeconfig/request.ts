// A new client certificate from the cluster itself, for the key that the user has: no CA key is needed, the right to approve is.

import { randomBytes } from 'node:crypto';
import type { Cluster } from '../cluster/client.ts';
import { approveCsr, awaitCertificate, createCsr, deleteCsr } from '../cluster/csr.ts';
import { wrongUse } from '../errors.ts';
import { makeCSR } from '../pki/csr.ts';
import { nameParts } from '../pki/names.ts';
import { clientPair, type Source } from './edit.ts';

const SIGNER = 'kubernetes.io/kube-apiserver-client';

/**
 * The PEM that the signer kube-apiserver-client issues for the kubeconfig's own key and name. Needs create and get on certificatesigningrequests and
 * approve on the signer. The request is removed afterwards. Groups such as system:masters are refused by the API server (admission
 * CertificateSubjectRestriction): those take the CA's key.
 */
export async function requestClient(source: Source, cluster: Cluster): Promise<string> {
  const { certificate, key } = clientPair(source);
  const { commonName, organizations } = nameParts(certificate.slices.subjectDer);
  if (organizations?.includes('system:masters')) {
    throw wrongUse(
      `${source.what}: ${certificate.subject} is in system:masters, for which the API server signs no requests`,
      'reissue it with the CA: reroot kubeconfig reissue --ca-cert CA.crt --ca-key CA.key FILE',
    );
  }
  const subject = { ...(commonName === undefined ? {} : { commonName }), ...(organizations ? { organizations } : {}) };
  const name = `reroot-${randomBytes(6).toString('hex')}`;
  const usages = [
    'digital signature',
    ...(certificate.keyType.startsWith('RSA') ? ['key encipherment'] : []),
    'client auth',
  ];
  await createCsr(cluster, { name, request: makeCSR({ key, subject }), signerName: SIGNER, usages });
  try {
    await approveCsr(cluster, name, 'asked for by reroot kubeconfig reissue');
    return await awaitCertificate(cluster, name);
  } finally {
    await deleteCsr(cluster, name).catch(() => {});
  }
}
