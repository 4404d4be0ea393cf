import type { ComponentFacts, Fact } from './facts.ts';

const trust = (use: string, flag: string): Fact => ({
  use,
  flags: [flag],
  store: 'bundle',
  kind: 'verifies-clients',
  holds: 'trust',
  authority: 'etcd',
  reread: 'restart',
  proof: 'restarted',
  cite: 'E:client/pkg/transport/listener.go: trusted CAs are read once',
});

const leaf = (use: string, flag: string, keyFlag: string): Fact => ({
  use,
  flags: [flag],
  keyFlags: [keyFlag],
  store: 'leaf',
  kind: 'presents-as-server',
  holds: 'credential',
  authority: 'etcd',
  reread: 'at-once',
  proof: 'serves',
  cite: 'E:client/pkg/transport/listener.go GetCertificate re-reads for each handshake',
});

/** etcd: known so that its stores are seen and left alone; its authority is not rotated yet. */
export const etcd: ComponentFacts = {
  component: 'etcd',
  facts: [
    trust('trusted-ca', 'trusted-ca-file'),
    trust('peer-trusted-ca', 'peer-trusted-ca-file'),
    leaf('serving', 'cert-file', 'key-file'),
    leaf('peer', 'peer-cert-file', 'peer-key-file'),
  ],
  kubeconfigs: [],
};
