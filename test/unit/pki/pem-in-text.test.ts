import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseCertificates } from '../../../src/pki/pem.ts';
import { certificateBodies, certificatesInText, isPieceOf } from '../../../src/pki/pem-in-text.ts';
import { ca as selfSigned } from '../cluster/material.ts';
import { oldCA, oldLeaf } from './support/fixtures.ts';

const ca = oldCA('today', 'EC-P-256');
// Of the same name, as the CA of each cluster by kubeadm has.
const other = selfSigned('kubernetes').certificate;
const leaf = oldLeaf(ca, 'EC-P-256');
const { pem } = ca.certificate;
const both = pem + leaf.pem;
const fingerprints = (text: string): string[] => certificatesInText(text).map(({ fingerprint }) => fingerprint);

describe('certificates within a text of another form', () => {
  it.each<[string, string]>([
    ['YAML, indented', stringify({ tls: { ca: pem, cert: leaf.pem } })],
    ['YAML in quotes', stringify({ tls: { ca: pem, cert: leaf.pem } }, { defaultStringType: 'QUOTE_DOUBLE' })],
    ['JSON', JSON.stringify({ ca: pem, cert: leaf.pem })],
    ['JSON, without the last line break', JSON.stringify({ ca: pem.trimEnd(), cert: leaf.pem.trimEnd() })],
    ['JSON in JSON', JSON.stringify({ config: JSON.stringify({ ca: pem, cert: leaf.pem }) })],
    ['JSON with slashes escaped', JSON.stringify({ ca: both }).replaceAll('/', '\\/')],
    ['JSON with carriage returns', JSON.stringify({ ca: both.replaceAll('\n', '\r\n') })],
    ['one line, as in an environment variable', both.replaceAll('\n', '\\n')],
    ['plain PEM', both],
  ])('are found in %s', (_what, text) => {
    expect(fingerprints(text)).toEqual([ca.certificate.fingerprint, leaf.fingerprint]);
  });

  it('are found beside examples and torn ones', () => {
    const example = '  ca: |\n    -----BEGIN CERTIFICATE-----\n    …\n    -----END CERTIFICATE-----\n';
    expect(fingerprints(`${example}${stringify({ ca: pem })}${pem.slice(0, 200)}`)).toEqual([
      ca.certificate.fingerprint,
    ]);
    expect(fingerprints(example)).toEqual([]);
  });

  it('commented out are not there', () => {
    expect(fingerprints(pem.replace(/^/gm, '# '))).toEqual([]);
    expect(parseCertificates(pem.replace(/^/gm, '  '), 'x')).toEqual([]);
  });

  it('take one pass, however many are begun and not ended', () => {
    const text = '-----BEGIN CERTIFICATE-----\n'.repeat(30_000);
    expect(certificateBodies(text)).toHaveLength(30_000);
    expect(certificatesInText(text.slice(0, 30_000))).toEqual([]);
  });
});

describe('a piece of a certificate', () => {
  const torn = pem.slice(0, pem.length / 2);
  it.each<[string, string]>([
    ['torn', torn],
    ['torn and indented', torn.replace(/^/gm, '  ')],
    [
      'in lines of another length',
      `-----BEGIN CERTIFICATE-----\n${pem
        .split('\n')
        .slice(1, -4)
        .join('')
        .match(/.{1,76}/g)
        ?.join('\n')}`,
    ],
  ])('%s is known', (_what, text) => {
    expect(certificatesInText(text)).toEqual([]);
    expect(isPieceOf(certificateBodies(text), [other, ca.certificate])).toBe(true);
    expect(isPieceOf(certificateBodies(text), [other])).toBe(false);
  });

  it('is nothing that only looks like one, or that nobody reads', () => {
    expect(isPieceOf(certificateBodies(pem.replace(/^/gm, '# ')), [ca.certificate])).toBe(false);
    expect(
      isPieceOf(certificateBodies('-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----'), [ca.certificate]),
    ).toBe(false);
    expect(isPieceOf([], [ca.certificate])).toBe(false);
  });
});
