// The tests: checks, fast tests, then those on process labs and on the full lab (as root), one file after another. `--fast` leaves the labs out; `--full`
// runs those on the full lab alone. Works in a fresh clone.
// The last line is `N passed, N failed, N skipped`. With REROOT_REQUIRE_LAB=1 a skipped test is a failure.
import { spawnSync } from 'node:child_process';
import { installDebianPackages } from './debian.mjs';
import { build, installPackages, root } from './prepare.mjs';
import { runTests } from './vitest.mjs';

const fastOnly = process.argv.includes('--fast');
const fullOnly = process.argv.includes('--full');
const filters = process.argv.slice(2).filter((argument) => !['--fast', '--full'].includes(argument));
const requireLab = process.env.REROOT_REQUIRE_LAB === '1';

installDebianPackages();
installPackages();
build();

const total = { passed: 0, failed: 0, skipped: 0 };

function run(project) {
  const counts = runTests(project, filters);
  for (const kind of Object.keys(total)) total[kind] += counts[kind];
}

function runCheck() {
  const done = spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' });
  if (done.status === 0) total.passed += 1;
  else total.failed += 1;
}

if (fullOnly) {
  run('full');
} else {
  if (filters.length === 0) runCheck();
  run('fast');
  for (const labs of fastOnly ? [] : ['lab', 'full']) run(labs);
}

if (requireLab && total.skipped > 0) {
  console.error(`${total.skipped} tests were skipped, and REROOT_REQUIRE_LAB=1 makes that a failure.`);
  total.failed += total.skipped;
  total.skipped = 0;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
