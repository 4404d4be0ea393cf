// Pods that are close to their node: a way to it, and one that has read a file of it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAB_IMAGE } from '../../lab/full/artifacts/image-list.ts';
import { root } from '../lab/harness.ts';

/** The pod of docs/access.md, with the lab's image. */
export const nodeShell = (node: string): string =>
  readFileSync(join(root, 'docs', 'access', 'node-shell.yaml'), 'utf8')
    .replaceAll('NODE', node)
    .replaceAll('IMAGE', LAB_IMAGE);

/** It has read admin.conf of its node at its start, as agents of storage and networks do. */
export const nodeAgent = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'node-agent', namespace: 'kube-system' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'node-agent' } },
    template: {
      metadata: { labels: { app: 'node-agent' } },
      spec: {
        nodeName: 'cp1',
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        tolerations: [{ operator: 'Exists' }],
        containers: [
          {
            name: 'agent',
            image: LAB_IMAGE,
            imagePullPolicy: 'Never',
            command: ['sleep', '1d'],
            volumeMounts: [{ name: 'conf', mountPath: '/conf' }],
          },
        ],
        volumes: [{ name: 'conf', hostPath: { path: '/etc/kubernetes/admin.conf', type: 'File' } }],
      },
    },
  },
};
