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
  const presentsOld = leaf !== undefined && verifiedBy(leaf, old);
  const trusted = (ca === undefined || insecure ? [] : parseCertificates(ca, file)).map((one) => one.fingerprint);
  const trustsOldAlone = trusted.includes(old.fingerprint) && !trusted.includes(material.new.certificate.fingerprint);
  const wrong = [
    ...(presentsOld ? [`presents a certificate from ${old.subject}`] : []),
    ...(trustsOldAlone ? ['does not trust the new CA'] : []),
  ];
  if (wrong.length === 0) return;
  throw new RerootError(
    EXIT.blocked,
    `own-kubeconfig: reroot's own ${file} ${wrong.join(' and ')}: it would be cut off`,
    {
      hints: [
        ...(presentsOld ? [`a certificate from the new CA: reroot kubeconfig reissue ${file}`] : []),
        ...(trustsOldAlone
          ? [
              "the new CA: kubectl -n kube-system get configmap kube-root-ca.crt -o 'jsonpath={.data.ca\\.crt}' > new.crt",
              `then: reroot kubeconfig add --ca new.crt ${file}`,
            ]
          : []),
        "or take the administrator's of a control-plane node, which has both: --kubeconfig /etc/kubernetes/admin.conf",
      ],
    },
  );
}
