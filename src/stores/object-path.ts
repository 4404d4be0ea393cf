// Objects that can hold trust anchors, from a store's id to the path at the API server.

import type { StoreId } from '../core/model/ids.ts';

export interface ObjectPlace {
  kind: string;
  namespace: string;
  name: string;
  key?: string;
}

/** Reads `object/KIND/NAMESPACE/NAME[#KEY]`; undefined for any other id. The part `:client` of an embedded kubeconfig is not of the key. */
export function parseObjectId(id: StoreId): ObjectPlace | undefined {
  const match = /^object\/([^/]+)\/([^/]*)\/([^#]+)(?:#(.+?)(?::client)?)?$/.exec(id);
  if (!match) return undefined;
  const [, kind = '', namespace = '', name = '', key] = match;
  return { kind, namespace, name, ...(key === undefined ? {} : { key }) };
}

const COLLECTIONS: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/namespaces/{namespace}/configmaps',
  Secret: '/api/v1/namespaces/{namespace}/secrets',
  ValidatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  MutatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  APIService: '/apis/apiregistration.k8s.io/v1/apiservices',
  CustomResourceDefinition: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
};

/** The object's path at the API server; undefined for a kind that reroot does not write. */
export function objectPath({ kind, namespace, name }: ObjectPlace): string | undefined {
  const collection = COLLECTIONS[kind];
  return (
    collection && `${collection.replace('{namespace}', encodeURIComponent(namespace))}/${encodeURIComponent(name)}`
  );
}
