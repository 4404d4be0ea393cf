// Where Debian packages come from: what this machine's own apt is told, as far as it is Debian's main archive (sources.list(5)).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AptSources {
  /** The release that this machine runs, and its nodes will: `bookworm`. */
  codename: string;
  /** Lines of the old form, `deb URI SUITE main`; '' when there are none. */
  lines: string;
  /** Stanzas of the new form (deb822); '' when there are none. */
  stanzas: string;
}

/** The release itself and what mends it. A third party's `bookworm-tools` or a component `stable` is left out, and so are backports. */
const isDebian = (codename: string, suites: readonly string[], components: readonly string[]): boolean =>
  components.includes('main') &&
  suites.length > 0 &&
  suites.every((suite) => [codename, `${codename}-updates`, `${codename}-security`].includes(suite));

/** Of a file of the old form, the lines that are Debian's own. */
export function debianLines(text: string, codename: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => {
      const [, suite, components] = /^deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(\S+)\s+(.+)$/.exec(line) ?? [];
      return suite !== undefined && isDebian(codename, [suite], (components ?? '').split(/\s+/));
    });
}

/** Of a deb822 file, the stanzas that are Debian's own, without comments. */
export function debianStanzas(text: string, codename: string): string[] {
  return text
    .split(/\n\s*\n/)
    .map((stanza) =>
      stanza
        .split('\n')
        .filter((line) => line.trim() !== '' && !line.startsWith('#'))
        .join('\n'),
    )
    .filter((stanza) => {
      const field = (name: string): string[] => {
        const value = new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1];
        return (value ?? '').split(/\s+/).filter((word) => word !== '');
      };
      if (field('Enabled')[0]?.toLowerCase() === 'no') return false;
      return field('Types').includes('deb') && isDebian(codename, field('Suites'), field('Components'));
    });
}

export function codenameOf(osRelease: string): string | undefined {
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1];
}

/** undefined when this machine is no Debian, or its apt has no such source. */
export function aptSources(etc = '/etc'): AptSources | undefined {
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const codename = codenameOf(read(join(etc, 'os-release')));
  if (codename === undefined) return undefined;
  const folder = join(etc, 'apt/sources.list.d');
  const named = (end: string): string[] =>
    (existsSync(folder) ? readdirSync(folder).sort() : [])
      .filter((name) => name.endsWith(end))
      .map((name) => read(join(folder, name)));
  const lines = [read(join(etc, 'apt/sources.list')), ...named('.list')].flatMap((text) => debianLines(text, codename));
  const stanzas = named('.sources').flatMap((text) => debianStanzas(text, codename));
  if (lines.length + stanzas.length === 0) return undefined;
  return { codename, lines: lines.join('\n'), stanzas: stanzas.join('\n\n') };
}
