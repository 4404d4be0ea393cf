import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, RerootError } from '../errors.ts';
import { type Cluster, isNotFound, type KubeObject } from './client.ts';

const PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

export interface CsrOrder {
  /** Name of the object. */
  name: string;
  /** PKCS #10 in PEM. */
  request: string;
  /** `kubernetes.io/kube-apiserver-client`, … */
  signerName: string;
  /** Key usages by their API names: `digital signature`, `client auth`, … */
  usages: readonly string[];
  /** Seconds; at least 600. */
  expirationSeconds?: number;
}

export interface Csr extends KubeObject {
  spec: {
    request: string;
    signerName: string;
    usages?: string[];
    /** Who asked, by the API server's word. */
    username?: string;
    groups?: string[];
    expirationSeconds?: number;
  };
  status?: { certificate?: string; conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

export const createCsr = (cluster: Cluster, order: CsrOrder): Promise<Csr> =>
  cluster.create<Csr>(PATH, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: order.name },
    spec: {
      request: Buffer.from(order.request).toString('base64'),
      signerName: order.signerName,
      usages: order.usages,
      ...(order.expirationSeconds === undefined ? {} : { expirationSeconds: order.expirationSeconds }),
    },
  });

export const getCsr = (cluster: Cluster, name: string): Promise<Csr> => cluster.get<Csr>(`${PATH}/${name}`);

/** Approves a request through its own subresource; needs `approve` on the signer. Doing it twice is fine. */
export async function approveCsr(cluster: Cluster, name: string, why: string): Promise<void> {
  return approveSeen(cluster, await getCsr(cluster, name), why);
}

/** Approves a request as it was seen: the API refuses it when it has changed since. */
export async function approveSeen(cluster: Cluster, csr: Csr, why: string): Promise<void> {
  const { name } = csr.metadata;
  const conditions = csr.status?.conditions ?? [];
  if (conditions.some(({ type }) => type === 'Approved')) return;
  const approved = { type: 'Approved', status: 'True', reason: 'Reroot', message: why };
  await cluster.patch(`${PATH}/${name}/approval`, [
    { op: 'test', path: '/metadata/resourceVersion', value: csr.metadata.resourceVersion },
    { op: 'add', path: '/status', value: { ...csr.status, conditions: [...conditions, approved] } },
  ]);
}

/** Waits until the certificate is there and gives its PEM. Throws RerootError when it was denied, failed, or is not there in time. */
export async function awaitCertificate(
  cluster: Cluster,
  name: string,
  options: { timeout?: number; signal?: AbortSignal } = {},
): Promise<string> {
  const { timeout = 30_000, signal } = options;
  const until = Date.now() + timeout;
  for (;;) {
    const { status, spec } = await cluster.get<Csr>(`${PATH}/${name}`, signal ? { signal } : {});
    if (status?.certificate) return Buffer.from(status.certificate, 'base64').toString('utf8');
    const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refused)
      throw new RerootError(
        EXIT.failedSafe,
        `the request ${name} for ${spec.signerName} was not signed: ${refused.type}, ${refused.message ?? refused.reason}`,
        {
          hints: ['who denies requests on this cluster, a policy or an approver of its own, must let this one through'],
        },
      );
    if (Date.now() > until)
      throw new RerootError(EXIT.failedSafe, `${spec.signerName} did not sign ${name} within ${timeout / 1000} s`, {
        hints: ['does a kube-controller-manager lead, can it sign? See its log for "csr" and "signing"'],
      });
    await pause(100, undefined, signal ? { signal } : {});
  }
}

/** Removes a request; one that is gone already is fine. */
export async function deleteCsr(cluster: Cluster, name: string): Promise<void> {
  await cluster.remove(`${PATH}/${name}`).catch((thrown: unknown) => {
    if (!isNotFound(thrown)) throw thrown;
  });
}

export const listCsrs = (cluster: Cluster): Promise<Csr[]> => cluster.list<Csr>(PATH);
