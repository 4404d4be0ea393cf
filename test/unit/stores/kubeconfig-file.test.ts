import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readKubeconfig, setCA, setClient } from '../../../src/stores/kubeconfig-file.ts';

const b64 = (text: string) => Buffer.from(text).toString('base64');
const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${b64(name.repeat(60))}\n-----END CERTIFICATE-----\n`;
const [OLD, NEW, OTHER] = ['old', 'new', 'oth'].map(pem) as [string, string, string];

/** As people keep them: comments, odd spaces, several contexts, fields that reroot does not know, two names for one cluster. */
const text = `# kept by anna, do not reformat
apiVersion: v1
kind: Config
preferences: {}
current-context:   prod   # the one
clusters:
    - name: prod
      cluster:
          server: https://10.0.0.1:6443      # the load balancer
          certificate-authority-data:   "${b64(OLD)}"   # from cp1
          extensions: [ {name: x, extension: { a: 1,b: 2 }} ]
    - name: prod-direct
      cluster: {server: 'https://10.0.0.2:6443', certificate-authority-data: ${b64(OLD)} }

    - name: staging
      cluster:
          server: https://10.9.0.1:6443
          certificate-authority-data: ${b64(OTHER)}
contexts:
    - {name: prod, context: {cluster: prod, user: anna}}
    - {name: staging, context: {cluster: staging, user: ben, namespace: shop}}
users:
    - name: anna
      user:
          client-certificate-data: '${b64(OLD)}'
          client-key-data: ${b64('KEY OF ANNA')}
    - name: ben
      user: {token: abc}
    - name: carl
      user: {client-certificate: carl.crt, client-key: /etc/carl.key}
`;

/** Lines that differ, of texts with as many lines. */
function changedLines(before: string, after: string): string[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  expect(b).toHaveLength(a.length);
  return b.filter((line, at) => line !== a[at]);
}

describe('readKubeconfig', () => {
  it('reads the current context, or the one asked for', () => {
    expect(readKubeconfig(text)).toEqual({
      context: 'prod',
      cluster: 'prod',
      user: 'anna',
      server: 'https://10.0.0.1:6443',
      ca: { pem: OLD },
      client: { pem: OLD },
      key: { pem: 'KEY OF ANNA' },
      token: false,
    });
    expect(readKubeconfig(text, 'x', { context: 'staging' })).toMatchObject({
      user: 'ben',
      token: true,
      ca: { pem: OTHER },
    });
  });

  it('gives paths as they are written, and the name of a plugin', () => {
    const paths = text.replace('user: anna', 'user: carl');
    const plugin = text.replace('{token: abc}', '{exec: {command: aws}}');

    expect(readKubeconfig(paths)).toMatchObject({ client: { path: 'carl.crt' }, key: { path: '/etc/carl.key' } });
    expect(readKubeconfig(plugin, 'x', { context: 'staging' })).toMatchObject({ plugin: 'exec', token: false });
  });

  it("reads cluster-info's, which has one nameless cluster and no context", () => {
    const info = `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${b64(OLD)}\n    server: https://10.0.0.1\n  name: ""\ncontexts: null\ncurrent-context: ""\nkind: Config\nusers: null\n`;

    expect(readKubeconfig(info)).toEqual({ cluster: '', server: 'https://10.0.0.1', ca: { pem: OLD }, token: false });
    expect(setCA(info, NEW)).toBe(info.replace(b64(OLD), b64(NEW)));
  });

  it.each([
    ['a: [', /not YAML/],
    ['clusters: *none', /not YAML: .*none/],
    ['hello', /not a kubeconfig/],
    ['clusters: {}', /not a kubeconfig/],
    [text.replace(/current-context.*\n/, ''), /no current-context is set/],
    [text.replace('current-context:   prod', 'current-context: dev'), /there is no context dev/],
  ])('says what is wrong: %#', (broken, message) => {
    expect(() => readKubeconfig(broken, '/etc/x.conf on cp1')).toThrow(message);
    expect(() => readKubeconfig(broken, '/etc/x.conf on cp1')).toThrow('/etc/x.conf on cp1');
  });
});

describe('setCA', () => {
  it('changes the values of this cluster under all its names, in their quotes, and no other byte', () => {
    const after = setCA(text, NEW);

    const data = b64(NEW);
    expect(changedLines(text, after)).toEqual([
      `          certificate-authority-data:   "${data}"   # from cp1`,
      `      cluster: {server: 'https://10.0.0.2:6443', certificate-authority-data: ${data} }`,
    ]);
    expect(setCA(after, OLD)).toBe(text);
    expect(setCA(text, OLD)).toBe(text);
  });

  it('changes the cluster of another context', () => {
    expect(changedLines(text, setCA(text, NEW, { context: 'staging' }))).toEqual([
      `          certificate-authority-data: ${b64(NEW)}`,
    ]);
  });

  it('keeps block scalars, JSON and CRLF files valid', () => {
    const block = `clusters:\n- name: a\n  cluster:\n    certificate-authority-data: |-\n      ${b64(OLD)}\n    server: https://x\ncontexts:\n- name: a\n  context: {cluster: a}\ncurrent-context: a\n`;
    const json = JSON.stringify(parse(block));
    const crlf = text.replaceAll('\n', '\r\n');

    for (const each of [block, json, crlf]) {
      const after = setCA(each, NEW);
      expect(readKubeconfig(after).ca?.pem).toBe(NEW);
      expect(readKubeconfig(after)).toEqual({ ...readKubeconfig(each), ca: { pem: NEW } });
    }
    expect(setCA(json, NEW)).toBe(json.replace(b64(OLD), b64(NEW)));
    expect(setCA(crlf, NEW)).toBe(
      crlf
        .replaceAll(`"${b64(OLD)}"`, `"${b64(NEW)}"`)
        .replace(`authority-data: ${b64(OLD)}`, `authority-data: ${b64(NEW)}`),
    );
  });

  it('replaces values behind anchors and merged entries where they are used', () => {
    const anchored = text
      .replace(`"${b64(OLD)}"`, `&ca "${b64(OLD)}"`)
      .replace(`certificate-authority-data: ${b64(OTHER)}`, 'certificate-authority-data: *ca');

    // Both name the same value, so both are this cluster: each is replaced where it stands.
    expect(readKubeconfig(setCA(anchored, NEW), 'x', { context: 'staging' }).ca?.pem).toBe(NEW);
    const merged = text
      .replace('      user: {token: abc}', '      user: &u {token: abc}')
      .replace(/cluster:\n {10}server: https:\/\/10\.9[\s\S]*?contexts/, 'cluster: *c\ncontexts')
      .replace(
        '      cluster:\n          server: https://10.0.0.1',
        '      cluster: &c\n          server: https://10.0.0.1',
      );
    expect(readKubeconfig(merged, 'x', { context: 'staging' }).ca?.pem).toBe(OLD);
    expect(readKubeconfig(setCA(merged, NEW), 'x', { context: 'staging' }).ca?.pem).toBe(NEW);
  });

  it('refuses a cluster that names a file or has no CA', () => {
    const named = text.replace(/certificate-authority-data: {3}".*"/, 'certificate-authority: /etc/ca.crt');
    const none = text.replace(/ {10}certificate-authority-data: {3}.*\n/, '');

    expect(() => setCA(named, NEW)).toThrow(/names the file \/etc\/ca\.crt/);
    expect(() => setCA(none, NEW)).toThrow(/has no certificate-authority-data/);
  });

  it('changes one value and nothing else, whatever is around it', () => {
    const field = fc.record({ key: fc.stringMatching(/^[a-z]{1,8}$/), value: fc.string() });
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 4 }),
        fc.constantFrom('"', "'", ''),
        fc.string(),
        (fields, quote, comment) => {
          const lines = fields.map(({ key, value }, at) => `    x-${at}-${key}: ${JSON.stringify(value)}`);
          const note = comment.replace(/[^\x20-\x7e]/g, '');
          const before = [
            `# ${note}`,
            'clusters:',
            '- name: a',
            '  cluster:',
            ...lines,
            `    certificate-authority-data: ${quote}${b64(OLD)}${quote} # ${note}`,
            'contexts: [{name: a, context: {cluster: a}}]',
            '',
          ].join('\n');
          const after = setCA(before, NEW);
          return changedLines(before, after).length === 1 && after.replace(b64(NEW), b64(OLD)) === before;
        },
      ),
    );
  });
});

describe('setClient', () => {
  it('changes the certificate, and the key only when it is given', () => {
    expect(changedLines(text, setClient(text, NEW))).toEqual([`          client-certificate-data: '${b64(NEW)}'`]);
    expect(changedLines(text, setClient(text, NEW, 'NEW KEY'))).toEqual([
      `          client-certificate-data: '${b64(NEW)}'`,
      `          client-key-data: ${b64('NEW KEY')}`,
    ]);
  });

  it('refuses a user with a token or with files', () => {
    expect(() => setClient(text, NEW, undefined, { context: 'staging' })).toThrow(
      /user ben has no client-certificate-data/,
    );
    expect(() => setClient(text.replace('user: anna', 'user: carl'), NEW)).toThrow(/names the file carl\.crt/);
  });

  it('never says a key in an error', () => {
    const thrown = (() => {
      try {
        setClient(text.replace(/client-certificate-data.*\n/, ''), NEW, 'SECRET');
      } catch (error) {
        return String(error);
      }
      return '';
    })();

    expect(thrown).toMatch(/cannot edit/);
    expect(thrown).not.toMatch(/SECRET|KEY OF/);
    expect(thrown).not.toContain(b64('KEY OF ANNA'));
  });
});
