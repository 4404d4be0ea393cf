import type { ComponentFacts, Fact } from './facts.ts';
import { CLIENT_GO_REREAD } from './facts.ts';

/** The four per-signer flag pairs, which exclude the general one (K:cmd/kube-controller-manager/app/certificates.go). */
const PER_SIGNER = ['kubelet-serving', 'kubelet-client', 'kube-apiserver-client', 'legacy-unknown'] as const;

const signer = (use: string, prefix: string): Fact => ({
  use,
  flags: [`${prefix}-cert-file`],
  keyFlags: [`${prefix}-key-file`],
  store: 'bundle', // a pair when both flags name one file
  kind: 'signs',
  holds: 'signer',
  authority: 'kubernetes',
  reread: 'at-once',
  proof: 'signs',
  cite: 'K:pkg/controller/certificates/signer/ca_provider.go: exactly one certificate, or no CSR is signed (kubeadm issue 1350)',
});

/** kube-controller-manager: only the leader signs and publishes; it reads the root bundle when it wins leadership. */
export const kubeControllerManager: ComponentFacts = {
  component: 'kube-controller-manager',
  elected: ['signer', 'root-ca', ...PER_SIGNER.map((name) => `signer-${name}`)],
  facts: [
    signer('signer', 'cluster-signing'),
    ...PER_SIGNER.map((name) => signer(`signer-${name}`, `cluster-signing-${name}`)),
    {
      use: 'root-ca',
      flags: ['root-ca-file'],
      store: 'bundle',
      kind: 'publishes',
      holds: 'trust',
      authority: 'kubernetes',
      reread: 'leadership',
      proof: 'restarted',
      cite: 'K:cmd/kube-controller-manager/app/certificates.go, service_accounts.go: read when leadership is won, never again',
    },
    {
      use: 'client-ca',
      flags: ['client-ca-file'],
      store: 'bundle',
      kind: 'verifies-clients',
      holds: 'trust',
      authority: 'kubernetes',
      reread: 'at-once',
      proof: 'accepts',
      cite: 'A:pkg/server/options/authentication.go DelegatingAuthenticationOptions: a bundle is fine, the page is wrong',
    },
    {
      use: 'requestheader-ca',
      flags: ['requestheader-client-ca-file'],
      store: 'bundle',
      kind: 'verifies-clients',
      holds: 'trust',
      authority: 'front-proxy',
      reread: 'at-once',
      proof: 'accepts',
      cite: 'A:pkg/server/options/authentication.go DelegatingAuthenticationOptions',
    },
    {
      use: 'serving',
      flags: ['tls-cert-file'],
      keyFlags: ['tls-private-key-file'],
      store: 'leaf',
      kind: 'presents-as-server',
      holds: 'credential',
      authority: 'by-fingerprint',
      reread: 'at-once',
      proof: 'serves',
      cite: 'A:pkg/server/options/serving.go; kubeadm sets none: self-signed in memory',
    },
  ],
  kubeconfigs: ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => ({
    use: flag,
    flag,
    reread: CLIENT_GO_REREAD,
    server: 'cluster' as const,
    cite: 'K:cmd/kube-controller-manager/app/options/options.go; embedded data, and a single-file mount in kubeadm: restart',
  })),
};
