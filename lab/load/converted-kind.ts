// Finds the custom resource whose versions a webhook converts.

import { z } from 'zod';
import { failedSafe } from '../../src/errors.ts';
import type { Api } from './api.ts';

/** The custom resource whose versions a webhook converts, with the version it is stored in and another one. */
export interface ConvertedKind {
  /** `/apis/GROUP`; the two versions and the plural name follow. */
  group: string;
  kind: string;
  plural: string;
  stored: string;
  other: string;
}

const definitions = z.object({
  items: z.array(
    z.object({
      spec: z.object({
        group: z.string(),
        scope: z.string(),
        names: z.object({ kind: z.string(), plural: z.string() }),
        versions: z.array(z.object({ name: z.string(), served: z.boolean(), storage: z.boolean() })),
        conversion: z.object({ strategy: z.string() }).optional(),
      }),
    }),
  ),
});

/** Finds the lab's own: namespaced, converted by a webhook. */
export async function convertedKind(api: Api): Promise<ConvertedKind> {
  const all = definitions.parse(await api.get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions')).items;
  for (const { spec } of all) {
    const stored = spec.versions.find((version) => version.storage)?.name;
    const other = spec.versions.find((version) => version.served && !version.storage)?.name;
    if (spec.conversion?.strategy !== 'Webhook' || spec.scope !== 'Namespaced' || !stored || !other) continue;
    return { group: spec.group, kind: spec.names.kind, plural: spec.names.plural, stored, other };
  }
  throw failedSafe(
    'this lab has no namespaced CustomResourceDefinition that a webhook converts',
    undefined,
    'leave client kind "webhook" out with --clients',
  );
}
