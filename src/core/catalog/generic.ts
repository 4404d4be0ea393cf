import type { ComponentFacts } from './facts.ts';
import { CLIENT_GO_REREAD } from './facts.ts';

/**
 * Any other process with the flags that programs built on k8s.io/apiserver and client-go share: extension API servers, webhooks,
 * cloud controller managers. What is not known to be re-read is taken as read at start.
 */
export const genericComponent: ComponentFacts = {
  component: '*',
  facts: [
    {
      use: 'serving',
      flags: ['tls-cert-file', 'cert-file', 'tls-cert', 'cert'],
      keyFlags: ['tls-private-key-file', 'key-file', 'tls-key', 'key'],
      store: 'leaf',
      kind: 'presents-as-server',
      holds: 'credential',
      authority: 'by-fingerprint',
      reread: 'never-known',
      proof: 'serves',
      cite: 'A:pkg/server/options/serving.go for programs built on k8s.io/apiserver; for others not known',
    },
    {
      use: 'client-ca',
      flags: ['client-ca-file'],
      store: 'bundle',
      kind: 'verifies-clients',
      holds: 'trust',
      authority: 'by-fingerprint',
      reread: 'never-known',
      proof: 'accepts',
      cite: 'A:pkg/server/options/authentication.go for programs built on k8s.io/apiserver',
    },
    {
      use: 'requestheader-ca',
      flags: ['requestheader-client-ca-file'],
      store: 'bundle',
      kind: 'verifies-clients',
      holds: 'trust',
      authority: 'by-fingerprint',
      reread: 'never-known',
      proof: 'accepts',
      cite: 'A:pkg/server/options/authentication.go for programs built on k8s.io/apiserver',
    },
    {
      use: 'root-ca',
      flags: ['root-ca-file'],
      store: 'bundle',
      kind: 'publishes',
      holds: 'trust',
      authority: 'by-fingerprint',
      reread: 'restart',
      proof: 'loaded',
      cite: 'cloud controller managers share the flag with kube-controller-manager',
    },
  ],
  kubeconfigs: ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => ({
    use: flag,
    flag,
    reread: CLIENT_GO_REREAD,
    server: 'by-fingerprint' as const,
    cite: 'C:tools/clientcmd',
  })),
};
