// What goes through the lab's webhook: ConfigMaps in some namespaces, and a kind whose versions it converts.

import { type Place, PORTS } from './layout.ts';
import { base64, HOOKED, object, type Wanted } from './objects.ts';

const webhookClient = (place: Place, path: string, caBundle: string): object => ({
  url: `https://${place.worker.address}:${PORTS.webhook}${path}`,
  caBundle: base64(caBundle),
});

export const validatingWebhook = (place: Place, caBundle: string): Wanted =>
  validatingWebhookOf(webhookClient(place, '/validate', caBundle));

/** `clientConfig` says where the webhook is and under which CA. */
export const validatingWebhookOf = (clientConfig: object): Wanted =>
  object(
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    { name: 'lab-webhook' },
    {
      webhooks: [
        {
          name: 'configmaps.lab.reroot.dev',
          clientConfig,
          rules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE', 'DELETE'],
              resources: ['configmaps'],
            },
          ],
          namespaceSelector: { matchLabels: HOOKED },
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds: 10,
        },
      ],
    },
  );

const WIDGETS = 'lab.reroot.dev';
const version = (name: string, storage: boolean): object => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    },
  },
});

export const widgetDefinition = (place: Place, caBundle: string): Wanted =>
  widgetDefinitionOf(webhookClient(place, '/convert', caBundle));

export const widgetDefinitionOf = (clientConfig: object): Wanted =>
  object(
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { name: `widgets.${WIDGETS}` },
    {
      spec: {
        group: WIDGETS,
        scope: 'Namespaced',
        names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
        versions: [version('v1', true), version('v1beta1', false)],
        conversion: {
          strategy: 'Webhook',
          webhook: { conversionReviewVersions: ['v1'], clientConfig },
        },
      },
    },
  );

/** Read as v1beta1 it goes through the conversion webhook. */
export const widget: Wanted = object(
  `/apis/${WIDGETS}/v1/namespaces/app1/widgets`,
  `${WIDGETS}/v1`,
  'Widget',
  { name: 'first', namespace: 'app1' },
  { spec: { size: 1 } },
);
