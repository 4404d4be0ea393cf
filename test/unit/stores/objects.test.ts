import { describe, expect, it } from 'vitest';
import type { JsonPatch, KubeObject } from '../../../src/cluster/client.ts';
import { anchorSlots, anchorsPatch, readAnchors } from '../../../src/stores/objects.ts';

const b64 = (text: string) => Buffer.from(text).toString('base64');
const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${b64(name)}\n-----END CERTIFICATE-----\n`;
const [OLD, NEW, OTHER] = ['old', 'new', 'other'].map(pem) as [string, string, string];
const named = (fields: Record<string, unknown>): KubeObject => ({
  metadata: { name: 'x', resourceVersion: '7' },
  ...fields,
});

/** RFC 6902 as far as these patches go; a test that fails throws, as the API server refuses all of it. */
function apply(object: KubeObject, patch: readonly JsonPatch[]): KubeObject {
  const next = structuredClone(object) as unknown as Record<string, unknown>;
  for (const operation of patch) {
    const parts = operation.path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = parts.pop() ?? '';
    const parent = parts.reduce<Record<string, unknown>>((at, part) => at[part] as Record<string, unknown>, next);
    if (operation.op === 'test' && parent[last] !== operation.value) throw new Error(`test failed: ${operation.path}`);
    if (operation.op === 'replace') parent[last] = operation.value;
  }
  return next as unknown as KubeObject;
}

const both = (slot: { pem: string }) => (slot.pem.includes(OLD.trim()) ? slot.pem + NEW : undefined);

const CASES: [string, string, KubeObject, (object: KubeObject) => unknown, unknown][] = [
  [
    'a ConfigMap',
    'ConfigMap',
    named({ data: { 'ca.crt': OLD, note: 'hello', 'a/b~c': OLD } }),
    (o) => o.data,
    { 'ca.crt': OLD + NEW, note: 'hello', 'a/b~c': OLD + NEW },
  ],
  [
    'a token Secret',
    'Secret',
    named({ data: { 'ca.crt': b64(OLD), token: b64('t'), 'tls.crt': b64(OLD) } }),
    (o) => o.data,
    { 'ca.crt': b64(OLD + NEW), token: b64('t'), 'tls.crt': b64(OLD) },
  ],
  [
    'webhooks: only the entries that hold old',
    'ValidatingWebhookConfiguration',
    named({
      webhooks: [
        { name: 'a', clientConfig: { caBundle: b64(OTHER) } },
        { name: 'b', clientConfig: { caBundle: b64(OLD) }, newer: 1 },
        { name: 'c', clientConfig: {} },
      ],
    }),
    (o) => o.webhooks,
    [
      { name: 'a', clientConfig: { caBundle: b64(OTHER) } },
      { name: 'b', clientConfig: { caBundle: b64(OLD + NEW) }, newer: 1 },
      { name: 'c', clientConfig: {} },
    ],
  ],
  [
    'an APIService',
    'APIService',
    named({ spec: { caBundle: b64(OLD), newer: 1 } }),
    (o) => o.spec,
    { caBundle: b64(OLD + NEW), newer: 1 },
  ],
  [
    'a CRD’s conversion',
    'CustomResourceDefinition',
    named({ spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig: { caBundle: b64(OLD) } } } } }),
    (o) => (o.spec as { conversion: unknown }).conversion,
    { strategy: 'Webhook', webhook: { clientConfig: { caBundle: b64(OLD + NEW) } } },
  ],
];

describe('anchors in objects', () => {
  it.each(CASES)('are changed where they are, everything else stays: %s', (_, kind, object, part, expected) => {
    const patch = anchorsPatch(object, anchorSlots(kind, object), both);

    const after = apply(object, patch);

    expect(part(after)).toEqual(expected);
    expect(readAnchors(kind, after)).toContain(NEW);
    // Nothing is written without a look at what is there.
    for (const [at, operation] of patch.entries()) {
      if (operation.op !== 'replace') continue;
      expect(patch.slice(0, at)).toContainEqual(expect.objectContaining({ op: 'test', path: operation.path }));
    }
    expect(anchorsPatch(after, anchorSlots(kind, after), (slot) => slot.pem)).toEqual([]);
  });

  it('are found by key: a Secret’s leaf is no anchor unless it is asked for', () => {
    const secret = named({ data: { 'ca.crt': b64(OLD), 'tls.crt': b64(OTHER) } });

    expect(anchorSlots('Secret', secret).map(({ key }) => key)).toEqual(['ca.crt']);
    expect(readAnchors('Secret', secret, 'tls.crt')).toBe(OTHER);
  });

  it('of cluster-info are in its kubeconfig, of which one value changes', () => {
    const kubeconfig = `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${b64(OLD)}\n    server: https://10.0.0.1:6443 # lb\n  name: ""\ncontexts: null\n`;
    const object = named({ data: { kubeconfig, 'jws-kubeconfig-abcdef': 'x..y' } });

    const after = apply(object, anchorsPatch(object, anchorSlots('ConfigMap', object), both));

    expect(after.data).toEqual({
      kubeconfig: kubeconfig.replace(b64(OLD), b64(OLD + NEW)),
      'jws-kubeconfig-abcdef': 'x..y',
    });
  });

  it('are guarded: by the webhook’s name, by the value, by the version when asked for', () => {
    const object = named({ webhooks: [{ name: 'a', clientConfig: { caBundle: b64(OLD) } }] });
    const patch = anchorsPatch(object, anchorSlots('MutatingWebhookConfiguration', object), both, { atVersion: true });

    expect(patch.filter(({ op }) => op === 'test').map(({ path }) => path)).toEqual([
      '/metadata/resourceVersion',
      '/webhooks/0/name',
      '/webhooks/0/clientConfig/caBundle',
    ]);
    const moved = named({
      webhooks: [
        { name: 'new', clientConfig: { caBundle: b64(OLD) } },
        { name: 'a', clientConfig: { caBundle: b64(OLD) } },
      ],
    });
    expect(() => apply(moved, patch)).toThrow('/webhooks/0/name');
    expect(() => apply(named({ webhooks: [{ name: 'a', clientConfig: { caBundle: b64(OTHER) } }] }), patch)).toThrow(
      'caBundle',
    );
    expect(() =>
      anchorsPatch({ ...object, metadata: { name: 'x' } }, anchorSlots('MutatingWebhookConfiguration', object), both, {
        atVersion: true,
      }),
    ).toThrow(/no resourceVersion/);
  });

  it('are none within a text of another form: that is more than they are', () => {
    const yaml = `tls:\n  ca: |\n${OLD.replace(/^(?=.)/gm, '    ')}`;
    const texts = { 'app.yaml': yaml, 'app.json': JSON.stringify({ ca: OLD }), line: OLD.replaceAll('\n', '\\n') };
    expect(anchorSlots('ConfigMap', named({ data: texts }))).toEqual([]);
    expect(anchorSlots('Secret', named({ data: { 'ca.yaml': b64(yaml) } }))).toEqual([]);
    expect(readAnchors('ConfigMap', named({ data: texts }), 'app.yaml')).toBe('');
    const dos = OLD.replaceAll('\n', '\r\n');
    expect(readAnchors('ConfigMap', named({ data: { 'ca.crt': dos } }))).toBe(dos);
  });

  it('are none in objects of other kinds or without material', () => {
    expect(anchorSlots('Deployment', named({ spec: {} }))).toEqual([]);
    expect(anchorSlots('APIService', named({ spec: {} }))).toEqual([]);
    expect(anchorSlots('ConfigMap', named({ data: { kubeconfig: 'certificate-authority-data: [' } }))).toEqual([]);
    expect(readAnchors('ConfigMap', named({}))).toBe('');
  });
});
