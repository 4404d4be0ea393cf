// A static pod that mounts admin.conf and holds what it read in memory, as kube-vip does (trap 14).

import { stringify } from 'yaml';
import { LAB_IMAGE } from '../artifacts/image-list.ts';
import { CLIENT_CONTAINER, CLIENT_LABEL, PAGE_PATH } from './clients.ts';

export const VIP_KIND = 'static-pod';
export const VIP_MANIFEST = '/etc/kubernetes/manifests/lab-vip.yaml';
export const VIP_KUBECONFIG = '/etc/kubernetes/admin.conf';

/** Annotation with the digest of the kubeconfig that the pod has read at its start. */
export const VIP_READS = 'reroot.dev/load-reads';
/** Where the API shows these pods: one of each control plane. */
export const VIP_PODS = `/api/v1/namespaces/kube-system/pods?labelSelector=${encodeURIComponent(`${CLIENT_LABEL}=${VIP_KIND}`)}`;

/** One request a second is what a holder of a Lease makes. */
const RATE = 1;

/** `digest`: of the kubeconfig that it is to read. */
export const vipManifest = (digest: string): string =>
  stringify(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'lab-vip',
        namespace: 'kube-system',
        labels: { [CLIENT_LABEL]: VIP_KIND },
        annotations: { [VIP_READS]: digest },
      },
      spec: {
        hostNetwork: true,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: CLIENT_CONTAINER,
            image: LAB_IMAGE,
            imagePullPolicy: 'Never',
            command: ['pod-client'],
            args: [
              `--kind=${VIP_KIND}`,
              '--mode=kubeconfig',
              `--kubeconfig=${VIP_KUBECONFIG}`,
              `--path=${PAGE_PATH}`,
              `--rate=${RATE}`,
            ],
            volumeMounts: [{ name: 'kubeconfig', mountPath: VIP_KUBECONFIG, readOnly: true }],
          },
        ],
        volumes: [{ name: 'kubeconfig', hostPath: { path: VIP_KUBECONFIG, type: 'File' } }],
      },
    },
    { lineWidth: 0 },
  );
