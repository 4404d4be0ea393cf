import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aptSources, codenameOf, debianLines, debianStanzas } from '../../../../lab/full/artifacts/apt-sources.ts';

const STANZA = [
  'Types: deb',
  'URIs: http://archive.example/debian',
  'Suites: bookworm bookworm-updates',
  'Components: main',
  'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
].join('\n');

describe('lines of sources.list', () => {
  it.each([
    'deb http://archive.example/debian bookworm main',
    'deb http://archive.example/debian bookworm-updates main contrib # mends',
    'deb [signed-by=/k.gpg arch=amd64] https://archive.example/security bookworm-security main',
  ])('are taken: %s', (line) => {
    expect(debianLines(`${line}\n`, 'bookworm')).toEqual([line.replace(/ #.*/, '')]);
  });

  it.each([
    '# deb http://archive.example/debian bookworm main',
    'deb-src http://archive.example/debian bookworm main',
    'deb http://archive.example/debian trixie main',
    'deb http://archive.example/debian bookworm-backports main',
    'deb https://vendor.example/apt tools-bookworm main',
    'deb https://vendor.example/apt bookworm stable',
    'deb https://vendor.example/apt ./',
  ])('are left out: %s', (line) => {
    expect(debianLines(line, 'bookworm')).toEqual([]);
  });
});

describe('stanzas of deb822', () => {
  it('are taken without their comments', () => {
    const [first, ...rest] = STANZA.split('\n');
    expect(debianStanzas(`${first}\n# a comment\n${rest.join('\n')}\n\n${STANZA}\n`, 'bookworm')).toEqual([
      STANZA,
      STANZA,
    ]);
  });

  it('may have suites on lines of their own', () => {
    const folded = STANZA.replace('bookworm bookworm-updates', '\n bookworm\n bookworm-updates');
    expect(debianStanzas(folded, 'bookworm')).toEqual([folded.replace('Suites: \n', 'Suites: \n')]);
  });

  it.each([
    ['another release', STANZA.replace('bookworm bookworm-updates', 'sid')],
    ["another's among Debian's", STANZA.replace('bookworm-updates', 'bookworm-vendor')],
    ['no component', STANZA.replace('Components: main\n', '')],
    ['sources only', STANZA.replace('Types: deb', 'Types: deb-src')],
    ['switched off', `${STANZA}\nEnabled: no`],
  ])('are left out: %s', (_, stanza) => {
    expect(debianStanzas(stanza, 'bookworm')).toEqual([]);
  });
});

describe('this machine', () => {
  it('has its release in os-release', () => {
    expect(codenameOf('ID=debian\nVERSION_CODENAME=bookworm\n')).toBe('bookworm');
    expect(codenameOf('ID=other\n')).toBeUndefined();
  });

  it('has both forms read, and none is said', () => {
    const etc = mkdtempSync(join(tmpdir(), 'etc-'));
    try {
      expect(aptSources(etc)).toBeUndefined();
      mkdirSync(join(etc, 'apt/sources.list.d'), { recursive: true });
      writeFileSync(join(etc, 'os-release'), 'VERSION_CODENAME=bookworm\n');
      expect(aptSources(etc)).toBeUndefined();
      writeFileSync(join(etc, 'apt/sources.list.d/a.sources'), STANZA);
      writeFileSync(join(etc, 'apt/sources.list'), 'deb http://archive.example/debian bookworm main\n');
      expect(aptSources(etc)).toEqual({
        codename: 'bookworm',
        lines: 'deb http://archive.example/debian bookworm main',
        stanzas: STANZA,
      });
    } finally {
      rmSync(etc, { recursive: true });
    }
  });
});
