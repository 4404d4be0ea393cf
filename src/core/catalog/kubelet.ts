import type { ComponentFacts } from './facts.ts';

/** kubelet: trusts kubelet.conf's CA and loads its client certificate at start; its client CA file is hot. */
export const kubelet: ComponentFacts = {
  component: 'kubelet',
  configuration: { flag: 'config', dropIns: 'config-dir' },
  facts: [
    {
      use: 'client-ca',
      flags: ['client-ca-file'],
      setting: 'authentication.x509.clientCAFile',
      store: 'bundle',
      kind: 'verifies-clients',
      holds: 'trust',
      authority: 'kubernetes',
      reread: 'at-once',
      proof: 'accepts',
      cite: 'K:cmd/kubelet/app/auth.go DynamicFileCAContent',
    },
    {
      use: 'serving',
      flags: ['tls-cert-file'],
      setting: 'tlsCertFile',
      keyFlags: ['tls-private-key-file'],
      keySetting: 'tlsPrivateKeyFile',
      fallback: {
        folder: 'cert-dir',
        file: 'kubelet-server-current.pem',
        key: 'kubelet-server-current.pem',
        only: { setting: 'serverTLSBootstrap', is: 'true' },
      },
      store: 'leaf',
      kind: 'presents-as-server',
      holds: 'credential',
      authority: 'by-fingerprint', // self-signed per host unless serverTLSBootstrap is set
      reread: 'at-once',
      proof: 'serves',
      cite: 'K:pkg/kubelet/server/server.go ReloadKubeletServerCertificateFile (1.31); K:pkg/kubelet/certificate/kubelet.go',
    },
  ],
  kubeconfigs: [
    {
      use: 'kubeconfig',
      flag: 'kubeconfig',
      // K:pkg/kubelet/certificate/transport.go: a private transport with a static pool, so a CA file is not re-read either.
      reread: { embedded: 'restart', caFile: 'restart', clientFile: 'own-rotation' },
      server: 'cluster',
      cite: 'K:cmd/kubelet/app/server.go; C:util/certificate/certificate_manager.go rotates at 70-90 % of the lifetime',
    },
  ],
};

/** Where the kubelet keeps its own pairs when `--cert-dir` is not given (K:cmd/kubelet/app/options/options.go). */
export const KUBELET_CERT_DIR = '/var/lib/kubelet/pki';
/** The pairs that `serverTLSBootstrap` and `rotateCertificates` keep; symlinks, and they must stay that (C:util/certificate/certificate_store.go). */
export const KUBELET_SERVER_CURRENT = 'kubelet-server-current.pem';
export const KUBELET_CLIENT_CURRENT = 'kubelet-client-current.pem';
