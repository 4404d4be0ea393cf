// One long test by its name: `npm run soak:NAME` runs test/soak/NAME.test.ts. The last line is the benchmarks' JSON line; its value is the number of tests
// that failed or were skipped, for a soak that did not run has shown nothing.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installDebianPackages } from './debian.mjs';
import { build, installPackages, root } from './prepare.mjs';
import { runTests } from './vitest.mjs';

const names = readdirSync(join(root, 'test', 'soak'))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => name.replace('.test.ts', ''));
const [name = ''] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`usage: npm run soak:NAME, with one of ${names.join(', ')}`);
  process.exit(2);
}

installDebianPackages();
installPackages();
build();
const begun = performance.now();
const counts = runTests('soak', [join('test', 'soak', `${name}.test.ts`)]);
const value = counts.failed + counts.skipped;
const ok = value === 0 && counts.passed > 0;
const seconds = Math.round((performance.now() - begun) / 1000);
console.log(
  JSON.stringify({
    bench: `soak-${name}`,
    value,
    unit: 'tests not passed',
    goal: 0,
    ok,
    details: { ...counts, seconds },
  }),
);
process.exitCode = ok ? 0 : 1;
