// What reroot does not turn, by what the cluster says of itself, and what does it instead. Named before anything is touched.

/** Kubernetes minor versions below this were not read or tried. */
export const OLDEST_MINOR = 30;
/** Above this nothing was tried: what a component re-reads changes with versions (client-go did with 1.36). */
export const NEWEST_MINOR = 36;

export interface Distribution {
  name: string;
  /** What turns its CAs. */
  instead: string;
}

const PROVIDER = "the provider's own rotation";
/** Distributions that keep their certificates themselves and turn them by commands of their own. By the server's version. */
const BY_VERSION: readonly (Distribution & { mark: RegExp })[] = [
  { mark: /[+-]k3s/, name: 'k3s', instead: 'k3s certificate rotate-ca' },
  { mark: /[+-]rke2/, name: 'RKE2', instead: 'rke2 certificate rotate-ca' },
  { mark: /[+-]k0s/, name: 'k0s', instead: "k0s's own documentation on certificate authorities" },
  { mark: /-eks/, name: 'EKS, a managed control plane', instead: PROVIDER },
  {
    mark: /-gke|\.gke\./,
    name: 'GKE, a managed control plane',
    instead: 'gcloud container clusters update --start-credential-rotation',
  },
  { mark: /-aks/, name: 'AKS, a managed control plane', instead: 'az aks rotate-certs' },
];

/** Where the version says nothing: labels that a provider's nodes carry. */
const BY_LABEL: readonly (Distribution & { label: string })[] = [
  { label: 'kubernetes.azure.com/cluster', name: 'AKS, a managed control plane', instead: 'az aks rotate-certs' },
  { label: 'eks.amazonaws.com/nodegroup', name: 'EKS, a managed control plane', instead: PROVIDER },
  {
    label: 'cloud.google.com/gke-nodepool',
    name: 'GKE, a managed control plane',
    instead: 'gcloud container clusters update --start-credential-rotation',
  },
  {
    label: 'node.openshift.io/os_id',
    name: 'OpenShift',
    instead: "OpenShift's own operators, which turn these CAs by themselves",
  },
];

export const distributionByVersion = (version: string): Distribution | undefined =>
  BY_VERSION.find(({ mark }) => mark.test(version));

export const distributionByLabels = (labels: Readonly<Record<string, string>>): Distribution | undefined =>
  BY_LABEL.find(({ label }) => label in labels);

export interface NodeSystem {
  /** `linux` or `windows` (v1 NodeSystemInfo). */
  operatingSystem?: string;
  /** As `PRETTY_NAME` of os-release: `Talos (v1.10.3)`, `Debian GNU/Linux 13 (trixie)`. */
  osImage?: string;
}

/** Systems whose files nobody but their own tool may write. */
const IMMUTABLE: readonly { image: RegExp; what: string; instead: string }[] = [
  {
    image: /^Talos\b/,
    what: 'it runs Talos, which keeps its certificates in the machine configuration',
    instead: 'talosctl rotate-ca',
  },
  {
    image: /^Bottlerocket\b/,
    what: 'it runs Bottlerocket, whose files are made from its settings at each start',
    instead:
      'set kubernetes.cluster-certificate by its apiclient to both CAs before retire and to new after, or replace the node',
  },
];

export interface NotSupported {
  what: string;
  instead: string;
}

/** Why nothing on this node is read or written by reroot. undefined for a system it knows or was not told of. */
export function unsupportedNode({ operatingSystem, osImage }: NodeSystem): NotSupported | undefined {
  if (operatingSystem === 'windows') {
    return {
      what: 'it runs Windows: its files and services are not what reroot knows',
      instead:
        'put both CAs into its kubelet kubeconfig and clientCAFile before retire, and restart its kubelet, or drain it and let it join anew',
    };
  }
  return IMMUTABLE.find(({ image }) => image.test(osImage ?? ''));
}
