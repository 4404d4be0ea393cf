// Trust anchors in Kubernetes objects: where they are in each kind, and the JSON patches that change exactly them.

import { atPointer, type JsonPatch, type KubeObject, pointer } from '../cluster/object.ts';
import { EXIT, RerootError } from '../errors.ts';
import { readKubeconfig, setCA } from './kubeconfig-file.ts';

export interface AnchorSlot {
  /** JSON pointer of the field. */
  path: string;
  /** Of a ConfigMap or Secret: the key. Of a webhook configuration: the webhook's name. */
  key?: string;
  encoding: 'pem' | 'base64' | 'kubeconfig';
  /** The anchors, as PEM. Not parsed: the text may hold other things. */
  pem: string;
  /** Refers to list elements by position, so a patch must test that the element is still the one meant. */
  guard?: { path: string; value: string };
}

interface Webhook {
  name?: string;
  clientConfig?: { caBundle?: string };
}

/** Within a text of another form (indented, escaped) it is no anchor to be replaced: the text is more than that. */
const hasCertificate = (text: string): boolean => /^-----BEGIN CERTIFICATE-----[ \t]*\r?$/m.test(text);
const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

/**
 * Every field of an object that holds trust anchors. `kind` because objects of a list do not say theirs. Secrets: only keys that look like a CA (`ca.crt`,
 * `*ca*`), since `tls.crt` is a leaf; a key that is asked for is given whatever its name.
 */
export function anchorSlots(kind: string, object: KubeObject, key?: string): AnchorSlot[] {
  const slots = slotsOf(kind, object);
  return key === undefined
    ? slots.filter((slot) => !isLeafKey(kind, slot.key))
    : slots.filter((slot) => slot.key === key);
}

const isLeafKey = (kind: string, key: string | undefined): boolean => kind === 'Secret' && !/ca/i.test(key ?? '');

function slotsOf(kind: string, object: KubeObject): AnchorSlot[] {
  switch (kind) {
    case 'ConfigMap':
      return Object.entries(record(object.data)).flatMap(([key, text]) => textSlots(key, text));
    case 'Secret':
      return Object.entries(record(object.data)).flatMap(([key, text]) =>
        hasCertificate(decode(text))
          ? [{ path: pointer('data', key), key, encoding: 'base64' as const, pem: decode(text) }]
          : [],
      );
    case 'ValidatingWebhookConfiguration':
    case 'MutatingWebhookConfiguration':
      return (Array.isArray(object.webhooks) ? (object.webhooks as Webhook[]) : []).flatMap((webhook, index) =>
        bundleSlot(object, pointer('webhooks', index, 'clientConfig', 'caBundle'), webhook.name).map((slot) => ({
          ...slot,
          guard: { path: pointer('webhooks', index, 'name'), value: webhook.name ?? '' },
        })),
      );
    case 'APIService':
      return bundleSlot(object, '/spec/caBundle');
    case 'CustomResourceDefinition':
      return bundleSlot(object, '/spec/conversion/webhook/clientConfig/caBundle');
    default:
      return [];
  }
}

const record = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(value ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

function textSlots(key: string, text: string): AnchorSlot[] {
  const path = pointer('data', key);
  if (hasCertificate(text)) return [{ path, key, encoding: 'pem', pem: text }];
  if (!/^\s*certificate-authority-data:/m.test(text)) return [];
  const { ca } = safeKubeconfig(text) ?? {};
  return ca?.pem === undefined ? [] : [{ path, key, encoding: 'kubeconfig', pem: ca.pem }];
}

function safeKubeconfig(text: string): ReturnType<typeof readKubeconfig> | undefined {
  try {
    return readKubeconfig(text, 'the embedded kubeconfig');
  } catch {
    return undefined;
  }
}

function bundleSlot(object: KubeObject, path: string, key?: string): AnchorSlot[] {
  const value = atPointer(object, path);
  if (typeof value !== 'string' || value === '') return [];
  return [{ path, encoding: 'base64', pem: decode(value), ...(key === undefined ? {} : { key }) }];
}

/** The anchors an object holds, all slots (or the one of `key`) in a row, as PEM; empty when it holds none. */
export const readAnchors = (kind: string, object: KubeObject, key?: string): string =>
  anchorSlots(kind, object, key)
    .map(({ pem }) => (pem.endsWith('\n') || pem === '' ? pem : `${pem}\n`))
    .join('');

/**
 * Operations that put other anchors into the slots for which `change` gives some (PEM); each is preceded by a test of what is there now, and of the
 * resourceVersion when asked for (fields that others keep writing, as extension-apiserver-authentication). [] when nothing changes.
 */
export function anchorsPatch(
  object: KubeObject,
  slots: readonly AnchorSlot[],
  change: (slot: AnchorSlot) => string | undefined,
  options: { atVersion?: boolean } = {},
): JsonPatch[] {
  const edits = slots.flatMap((slot): JsonPatch[] => {
    const pem = change(slot);
    const before = atPointer(object, slot.path);
    if (pem === undefined || typeof before !== 'string') return [];
    const after = encodeAs(slot, before, pem);
    if (after === before) return [];
    return [
      ...(slot.guard ? [{ op: 'test' as const, ...slot.guard }] : []),
      { op: 'test', path: slot.path, value: before },
      { op: 'replace', path: slot.path, value: after },
    ];
  });
  const version = object.metadata.resourceVersion;
  if (edits.length === 0 || !options.atVersion) return edits;
  if (version === undefined) throw new RerootError(EXIT.failedSafe, `${object.metadata.name} has no resourceVersion`);
  return [{ op: 'test', path: '/metadata/resourceVersion', value: version }, ...edits];
}

function encodeAs(slot: AnchorSlot, before: string, pem: string): string {
  switch (slot.encoding) {
    case 'pem':
      return pem;
    case 'base64':
      return Buffer.from(pem).toString('base64');
    case 'kubeconfig':
      return setCA(before, pem);
  }
}
