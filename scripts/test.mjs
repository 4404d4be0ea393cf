// The tests: checks, fast tests, then the tests on process labs, one file after another. `--fast` leaves the labs out; `--full` runs those on the full
// lab alone (as root, a quarter of an hour). Works in a fresh clone.
// The last line is `N passed, N failed, N skipped`. With REROOT_REQUIRE_LAB=1 a skipped test is a failure.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebianPackages } from './debian.mjs';
import { build, installPackages, root } from './prepare.mjs';

const fastOnly = process.argv.includes('--fast');
const fullOnly = process.argv.includes('--full');
const filters = process.argv.slice(2).filter((argument) => !['--fast', '--full'].includes(argument));
const requireLab = process.env.REROOT_REQUIRE_LAB === '1';
const scratch = mkdtempSync(join(tmpdir(), 'reroot-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

installDebianPackages();
installPackages();
build();

const total = { passed: 0, failed: 0, skipped: 0 };

function runCheck() {
  const done = spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' });
  if (done.status === 0) total.passed += 1;
  else total.failed += 1;
}

function runTests(project) {
  const report = join(scratch, `${project}.json`);
  const args = [
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const done = spawnSync('npx', [...args, ...filters, '--passWithNoTests'], { cwd: root, stdio: 'inherit' });
  const counts = readReport(report);
  total.passed += counts.passed;
  // A file that breaks outside its tests (an import, a hook) counts as a failure even where no test of it does.
  total.failed += done.status === 0 ? counts.failed : Math.max(1, counts.failed);
  total.skipped += counts.skipped;
}

function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: report.numPassedTests ?? 0,
      failed: report.numFailedTests ?? 0,
      skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

if (fullOnly) {
  runTests('full');
} else {
  if (filters.length === 0) runCheck();
  runTests('fast');
  if (!fastOnly) runTests('lab');
}

if (requireLab && total.skipped > 0) {
  console.error(`${total.skipped} tests were skipped, and REROOT_REQUIRE_LAB=1 makes that a failure.`);
  total.failed += total.skipped;
  total.skipped = 0;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
