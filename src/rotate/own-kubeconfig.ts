// reroot's own kubeconfig is a client like any other: where one CA alone is left, in retire or at the end of the way back, it would saw off the branch
// it sits on.

import { EXIT, RerootError } from '../errors.ts';
import { verifiedBy } from '../pki/certificate.ts';
import { parseCertificates } from '../pki/pem.ts';
import type { Context } from './context.ts';

export interface CutOff {
  /** The CA that stays alone. */
  left: 'old' | 'new';
  /** Which of the two directions is cut: what API servers show to it, what it shows to them. */
  serving: boolean;
  clients: boolean;
}

/** Refuses where the kubeconfig that reroot runs with presents a certificate from the CA that goes, or trusts that one alone. What the file says now counts. */
export function refuseOwnCutOff(
  ctx: Pick<Context, 'cluster' | 'materials'>,
  { left, serving, clients }: CutOff = { left: 'new', serving: true, clients: true },
): void {
  const material = ctx.materials.find(({ authority }) => authority === 'kubernetes');
  if (!material) return;
  const { cert, ca, insecure, files } = ctx.cluster.credentials();
  const file = files[0] ?? 'the kubeconfig';
  const gone = (left === 'new' ? material.old : material.new).certificate;
  const stays = (left === 'new' ? material.new : material.old).certificate;
  const [leaf] = cert === undefined ? [] : parseCertificates(cert, file);
  const presentsGone = clients && leaf !== undefined && verifiedBy(leaf, gone);
  const trusted = (ca === undefined || insecure ? [] : parseCertificates(ca, file)).map((one) => one.fingerprint);
  const trustsGoneAlone = serving && trusted.includes(gone.fingerprint) && !trusted.includes(stays.fingerprint);
  const wrong = [
    ...(presentsGone ? [`presents a certificate from ${gone.subject}`] : []),
    ...(trustsGoneAlone ? [`does not trust the ${left} CA`] : []),
  ];
  if (wrong.length === 0) return;
  throw new RerootError(
    EXIT.blocked,
    `own-kubeconfig: reroot's own ${file} ${wrong.join(' and ')}: it would be cut off`,
    {
      hints: [
        ...(presentsGone ? [`a certificate from the ${left} CA: reroot kubeconfig reissue ${file}`] : []),
        ...(trustsGoneAlone
          ? [
              `the ${left} CA: kubectl -n kube-system get configmap kube-root-ca.crt -o 'jsonpath={.data.ca\\.crt}' > ${left}.crt`,
              `then: reroot kubeconfig add --ca ${left}.crt ${file}`,
            ]
          : []),
        "or take the administrator's of a control-plane node, which has both: --kubeconfig /etc/kubernetes/admin.conf",
      ],
    },
  );
}
