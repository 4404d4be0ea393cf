// The kubelet's configuration file (kubelet.config.k8s.io/v1beta1 KubeletConfiguration) as flat settings.

import { parse } from 'yaml';

/**
 * Leaves of the document by dotted path: `{'authentication.x509.clientCAFile': '/etc/kubernetes/pki/ca.crt'}`. Lists are left out:
 * nothing about certificates is in one. Throws on text that is no YAML mapping.
 */
export function flattenSettings(text: string): Record<string, string> {
  const document: unknown = parse(text);
  if (!isMapping(document)) throw new Error('not a YAML mapping');
  const settings: Record<string, string> = {};
  const walk = (value: unknown, path: string): void => {
    if (isMapping(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else if (value !== null && value !== undefined && !Array.isArray(value)) settings[path] = String(value);
  };
  walk(document, '');
  return settings;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
