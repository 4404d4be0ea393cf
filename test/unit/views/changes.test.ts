import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ContentView, changeLines } from '../../../src/views/changes.ts';
import { lineDiff } from '../../../src/views/line-diff.ts';
import { newCA, oldCA } from './fixtures.ts';

const content = (over: Partial<ContentView> = {}): ContentView => ({ text: '', certificates: [], ...over });

describe('a diff by lines', () => {
  it('shows changed lines with a little around them', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\n';

    expect(lineDiff(before, before.replace('f', 'F'), 1)).toEqual(['…', '  e', '- f', '+ F', '  g']);
    expect(lineDiff(before, before)).toEqual([]);
  });

  it('can be played back for any two texts', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const lines = lineDiff(before, after, 1000);
        const side = (sign: string) =>
          lines
            .filter((line) => line[0] === ' ' || line[0] === sign)
            .map((line) => `${line.slice(2)}\n`)
            .join('');

        expect(side('-')).toBe(before);
        expect(side('+')).toBe(after);
      }),
    );
  });
});

describe('a change', () => {
  it('names certificates that come and go, not their base64', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

    const lines = changeLines({
      target: 'cp1:/etc/kubernetes/pki/ca.crt',
      before: content({ text: pem.replace('AAAA', 'BBBB'), certificates: [newCA] }),
      after: content({ text: pem, certificates: [oldCA] }),
      also: ['mode 600 -> 644'],
    });

    expect(lines).toEqual([
      'cp1:/etc/kubernetes/pki/ca.crt',
      '  - certificate CN=kubernetes-2026  ddddeeeeffff  until 2036-11-21 22:00Z',
      '  + certificate CN=kubernetes       aaaabbbbcccc  until 2027-01-02 03:04Z',
      '  ~ mode 600 -> 644',
    ]);
  });

  it('says that a private key differs without showing either', () => {
    const key = (body: string) => `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----\n`;

    const lines = changeLines({
      target: 'x',
      before: content({ text: key('SECRETONE'), keySpki: 'aa'.repeat(32) }),
      after: content({ text: key('SECRETTWO'), keySpki: 'bb'.repeat(32) }),
    });

    expect(lines).toEqual(['x', '  ~ private key: of public key aaaaaaaaaaaa -> of public key bbbbbbbbbbbb']);
  });

  it('shows a manifest by lines, and hides what lets someone in', () => {
    const kubeconfig = (token: string, server: string) =>
      `server: ${server}\nusers:\n- name: a\n  user:\n    token: ${token}\n    client-key-data: ${token}${token}\n    "password": ${token}\n`;

    const lines = changeLines({
      target: 'x',
      before: content({ text: kubeconfig('T0PSECRET', 'https://old') }),
      after: content({ text: kubeconfig('OTHERSECRET', 'https://new') }),
    });

    expect(lines).toContain('  - server: https://old');
    expect(lines).toContain('  + server: https://new');
    expect(lines.join('\n')).not.toMatch(/SECRET/);
  });

  it('says when only the order differs', () => {
    const lines = changeLines({
      target: 'x',
      before: content({ certificates: [oldCA, newCA] }),
      after: content({ certificates: [newCA, oldCA] }),
    });

    expect(lines).toEqual(['x', '  ~ the same certificates in another order']);
  });
});
