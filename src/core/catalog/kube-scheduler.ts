import type { ComponentFacts } from './facts.ts';
import { CLIENT_CONNECTION, CLIENT_GO_REREAD } from './facts.ts';

/**
 * kube-scheduler. Without `--client-ca-file` (kubeadm) it takes the client CAs from the ConfigMap
 * kube-system/extension-apiserver-authentication by an informer (A:pkg/server/options/authentication.go).
 */
export const kubeScheduler: ComponentFacts = {
  component: 'kube-scheduler',
  configuration: { flag: 'config' },
  facts: [
    {
      use: 'client-ca',
      flags: ['client-ca-file'],
      store: 'bundle',
      kind: 'verifies-clients',
      holds: 'trust',
      authority: 'kubernetes',
      reread: 'at-once',
      proof: 'accepts',
      cite: 'A:pkg/server/options/authentication.go DelegatingAuthenticationOptions',
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
      cite: 'A:pkg/server/options/serving.go',
    },
  ],
  kubeconfigs: ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => ({
    use: flag,
    flag,
    // Options.ApplyTo takes the connection from the file alone; the other two are flags of k8s.io/apiserver and count beside it.
    ...(flag === 'kubeconfig' ? { setting: CLIENT_CONNECTION } : {}),
    reread: CLIENT_GO_REREAD,
    server: 'cluster' as const,
    cite: 'K:cmd/kube-scheduler/app/options/options.go; embedded data, and a single-file mount in kubeadm: restart',
  })),
};
