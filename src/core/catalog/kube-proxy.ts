import type { ComponentFacts } from './facts.ts';
import { CLIENT_CONNECTION, CLIENT_GO_REREAD } from './facts.ts';

/** kube-proxy as a unit or a static pod. It serves no TLS. In an ordinary pod, as kubeadm runs it, it is no instance but a pod like others. */
export const kubeProxy: ComponentFacts = {
  component: 'kube-proxy',
  configuration: { flag: 'config' },
  facts: [],
  kubeconfigs: [
    {
      use: 'kubeconfig',
      flag: 'kubeconfig',
      setting: CLIENT_CONNECTION,
      reread: CLIENT_GO_REREAD,
      server: 'cluster',
      cite: 'K:cmd/kube-proxy/app/options.go Complete: the file takes the place of all that flags say; server.go createClient',
    },
  ],
};
