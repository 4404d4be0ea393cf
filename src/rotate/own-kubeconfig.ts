// reroot's own kubeconfig is a client like any other: in retire it would saw off the branch it sits on.

import { EXIT, RerootError } from '../errors.ts';
import { verifiedBy } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import type { Context } from './context.ts';

/** Refuses where the kubeconfig that reroot runs with presents a certificate from old, or trusts old alone. What the file says now counts. */
export function refuseOwnCutOff(ctx: Pick<Context, 'cluster' | 'materials'>): void {
  const material = ctx.materials.find(({ authority }) => authority === 'kubernetes');
  if (!material) return;
  const { cert, ca, insecure, files } = ctx.cluster.credentials();
  const file = files[0] ?? 'the kubeconfig';
  const old = material.old.certificate;
  const [leaf] = cert === undefined ? [] : parseCertificates(cert, file);
  if (leaf && verifiedBy(leaf, old)) {
    throw new RerootError(
      EXIT.blocked,
      `own-kubeconfig: reroot itself presents a certificate from ${old.subject}: ${file}`,
      {
        hints: [
          `give it one from the new CA: reroot kubeconfig reissue ${file}`,
          "or use the administrator's of a control-plane node, which has one: --kubeconfig /etc/kubernetes/admin.conf",
        ],
      },
    );
  }
  const trusted = ca === undefined ? [] : parseCertificates(ca, file);
  const isNew = ({ fingerprint }: { fingerprint: string }): boolean =>
    fingerprint === material.new.certificate.fingerprint;
  if (insecure || !trusted.some(({ fingerprint }) => fingerprint === old.fingerprint) || trusted.some(isNew)) return;
  throw new RerootError(EXIT.blocked, `own-kubeconfig: reroot itself trusts ${old.subject} alone: ${file}`, {
    hints: [
      `let it trust the new CA as well: reroot kubeconfig add --ca NEW.crt ${file}`,
      'the new CA: kubectl -n kube-system get configmap kube-root-ca.crt -o jsonpath={.data.ca\\.crt}',
    ],
  });
}
