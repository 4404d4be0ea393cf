import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  addAnchors,
  dropAnchors,
  materialIn,
  reissueClient,
  replaceClient,
  type Source,
} from '../../../src/kubeconfig/edit.ts';
import { generateKey, matches } from '../../../src/pki/keys.ts';
import { keyToPem, parsePrivateKey } from '../../../src/pki/pem.ts';
import { base64, clientKey, clientOf, kubeconfig, NOW, newCA, oldCA, otherCA } from './material.ts';

const source = (text: string, context?: string): Source => ({
  text,
  what: 'ann.conf',
  choice: context ? { context } : {},
});
const subjects = (text: string, context?: string) =>
  materialIn(source(text, context)).anchors.map((anchor) => anchor.subject);
const changedLines = (before: string, after: string) => {
  const [a, b] = [before.split('\n'), after.split('\n')];
  expect(b.length).toBe(a.length);
  return a.flatMap((line, index) => (line === b[index] ? [] : [index]));
};

describe('add', () => {
  it('puts new behind old for the current context and touches nothing else', () => {
    const before = kubeconfig();

    const after = addAnchors(source(before), [newCA.certificate]);

    expect(subjects(after)).toEqual(['CN=kubernetes', 'CN=kubernetes-2026']);
    expect(subjects(after, 'lab')).toEqual(['CN=another-cluster']);
    expect(changedLines(before, after)).toHaveLength(1);
  });

  it('changes nothing when it is there already, also beside a doubled one', () => {
    const both = kubeconfig({ ca: oldCA.certificate.pem + newCA.certificate.pem });
    const doubled = kubeconfig({ ca: oldCA.certificate.pem + oldCA.certificate.pem });

    expect(addAnchors(source(both), [newCA.certificate])).toBe(both);
    expect(subjects(addAnchors(source(doubled), [newCA.certificate])).at(-1)).toBe('CN=kubernetes-2026');
  });

  it('changes the named context', () => {
    const after = addAnchors(source(kubeconfig(), 'lab'), [newCA.certificate]);

    expect(subjects(after)).toEqual(['CN=kubernetes']);
    expect(subjects(after, 'lab')).toEqual(['CN=another-cluster', 'CN=kubernetes-2026']);
  });

  it('refuses a leaf', () => {
    expect(() => addAnchors(source(kubeconfig()), [clientOf(oldCA, clientKey)])).toThrow(/is not a CA certificate/);
  });

  it('says which file to change where the CA is in one', () => {
    const text = kubeconfig().replace(/certificate-authority-data: [^,}]+\}/, 'certificate-authority: /etc/ca.crt}');

    expect(() => addAnchors(source(text), [newCA.certificate])).toThrow(/takes its CA from the file \/etc\/ca\.crt/);
  });
});

describe('drop', () => {
  it('takes old out and leaves new', () => {
    const both = kubeconfig({ ca: oldCA.certificate.pem + newCA.certificate.pem });

    const after = dropAnchors(source(both), [oldCA.certificate.fingerprint]);

    expect(subjects(after)).toEqual(['CN=kubernetes-2026']);
    expect(changedLines(both, after)).toHaveLength(1);
  });

  it('refuses to leave a file that trusts nothing', () => {
    expect(() => dropAnchors(source(kubeconfig()), [oldCA.certificate.fingerprint])).toThrow(
      /would trust no CA at all/,
    );
  });

  it('changes nothing when it is not there', () => {
    const text = kubeconfig();

    expect(dropAnchors(source(text), [newCA.certificate.fingerprint])).toBe(text);
  });
});

describe('reissue', () => {
  it('keeps name, usages and key; the new CA vouches', () => {
    const before = kubeconfig();

    const { text, after } = reissueClient(source(before), newCA, { now: NOW, newKey: false });

    const [client] = materialIn(source(text)).client;
    expect(client?.fingerprint).toBe(after.fingerprint);
    expect(client?.subject).toBe(materialIn(source(before)).client[0]?.subject);
    expect(client?.extKeyUsages).toEqual(['clientAuth']);
    expect(matches(after, clientKey)).toBe(true);
    expect(new X509Certificate(after.pem).verify(newCA.certificate.publicKey)).toBe(true);
    expect(changedLines(before, text)).toHaveLength(1);
    expect(text).toContain('# until next year');
  });

  it('with a new key changes both, and they belong together', () => {
    const { text, after } = reissueClient(source(kubeconfig()), newCA, { now: NOW, newKey: true });

    const key = parsePrivateKey(materialIn(source(text)).seen.key?.pem ?? '', 'key');
    expect(matches(after, key)).toBe(true);
    expect(matches(after, clientKey)).toBe(false);
    expect(after.keyType).toBe('EC-P-256');
  });

  it('refuses a certificate and a key that do not belong together', () => {
    const text = kubeconfig({ key: keyToPem(generateKey('EC-P-256')) });

    expect(() => reissueClient(source(text), newCA, { now: NOW, newKey: false })).toThrow(/do not belong together/);
  });

  it("refuses a CA key that is not the CA certificate's", () => {
    const mixed = { certificate: newCA.certificate, key: otherCA.key };

    expect(() => reissueClient(source(kubeconfig()), mixed, { now: NOW, newKey: false })).toThrow(
      /is not that certificate's key/,
    );
  });

  it('says why where there is no client certificate', () => {
    const reissue = (user: string) => () =>
      reissueClient(source(kubeconfig({ user })), newCA, { now: NOW, newKey: false });

    expect(reissue('    token: abc\n')).toThrow(/logs in by a token/);
    expect(reissue('    exec: {command: aws}\n')).toThrow(/logs in by exec/);
    expect(reissue('    client-certificate: ann.crt\n    client-key: ann.key\n')).toThrow(/in the file ann\.crt/);
  });

  it('refuses a certificate that was issued for another key', () => {
    const stranger = clientOf(newCA, generateKey('EC-P-256'));

    expect(() => replaceClient(source(kubeconfig()), stranger.pem)).toThrow(/for another key/);
    expect(
      materialIn(source(replaceClient(source(kubeconfig()), clientOf(newCA, clientKey).pem).text)).client,
    ).toHaveLength(1);
  });
});

describe('input that is no kubeconfig', () => {
  it.each([
    ['not YAML', 'a: [b', /not YAML/],
    ['another document', 'kind: Pod\n', /no current-context|not a kubeconfig/],
    ['empty', '', /not a kubeconfig/],
    ['a CA that is none', kubeconfig({ ca: 'hello' }), /holds no certificate/],
    ['a CA that is cut short', kubeconfig({ ca: oldCA.certificate.pem.slice(0, 200) }), /PEM block 1/],
    [
      'no such context',
      kubeconfig().replace('current-context:   prod', 'current-context: gone'),
      /there is no context gone/,
    ],
  ])('%s is wrong use with a reason, and no key is in the message', (_, text, reason) => {
    let thrown: unknown;
    try {
      addAnchors(source(text), [newCA.certificate]);
    } catch (error) {
      thrown = error;
    }

    expect(thrown).toMatchObject({ exitCode: 2 });
    expect(String(thrown)).toMatch(reason);
    expect(String(thrown)).not.toContain(base64(keyToPem(clientKey)).slice(0, 40));
  });
});
