// The validating and the conversion webhook in pods: two behind a Service, with a certificate that the cluster issued.

import { base64, HOOKED } from '../../processes/objects.ts';
import { validatingWebhookOf, widgetDefinitionOf } from '../../processes/webhook-objects.ts';
import { budget, containerOf, deployment, namespaceOf, service, type Wanted, wanted } from './shapes.ts';

export const HOOKS_NAMESPACE = 'hooks';
export const HOOKS_SECRET = 'webhook-tls';
const LABELS = { app: 'webhook' };
const PORT = 9443;
/** What API servers verify. */
export const HOOKS_HOST = `webhook.${HOOKS_NAMESPACE}.svc`;

export const hookServers: readonly Wanted[] = [
  deployment(HOOKS_NAMESPACE, 'webhook', {
    replicas: 2,
    more: { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } },
    pod: {
      labels: LABELS,
      token: false,
      grace: 15,
      containers: [
        containerOf({
          name: 'main',
          command: ['webhook'],
          args: [`--listen=:${PORT}`, '--tls-cert-file=/tls/tls.crt', '--tls-private-key-file=/tls/tls.key'],
          port: PORT,
          ready: { path: '/healthz', scheme: 'HTTPS' },
          linger: 5,
          mounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
        }),
      ],
      volumes: [{ name: 'tls', secret: { secretName: HOOKS_SECRET } }],
    },
  }),
  service(HOOKS_NAMESPACE, 'webhook', LABELS, 443, PORT),
  budget(HOOKS_NAMESPACE, 'webhook', LABELS, 1),
];

export const hooksNamespace = namespaceOf(HOOKS_NAMESPACE);
/** A namespace whose ConfigMaps go through the webhook. */
export const hookedNamespace = namespaceOf('hooked', HOOKED);

/** What makes API servers call it. `ca` in PEM. Made when the servers are ready: from then on nothing goes without them. */
export function hookCallers(ca: string): readonly Wanted[] {
  const client = (path: string): object => ({
    service: { name: 'webhook', namespace: HOOKS_NAMESPACE, path, port: 443 },
    caBundle: base64(ca),
  });
  return [validatingWebhookOf(client('/validate')), widgetDefinitionOf(client('/convert'))].map(({ path, body }) => ({
    path,
    object: body as Wanted['object'],
  }));
}

export const widget: Wanted = wanted(
  'lab.reroot.dev/v1',
  'Widget',
  { name: 'first', namespace: 'app1' },
  { spec: { size: 1 } },
);
