// Runs one project of vitest and counts. A file that breaks outside its tests (an import, a hook) counts as a failure even where no test of it does.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './prepare.mjs';

// Temporary files of the tests, and of commands that a test kills, go with it. Other users pass through it: some tests run commands as one.
const scratch = mkdtempSync(join(tmpdir(), 'reroot-test-'));
chmodSync(scratch, 0o711);
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Gives `{ passed, failed, skipped }`; `filters` are parts of paths, none for all files. */
export function runTests(project, filters = []) {
  const report = join(scratch, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['vitest', 'run', '--project', project, ...reporters, ...filters, '--passWithNoTests'];
  const env = { ...process.env, TMPDIR: scratch };
  const done = spawnSync('npx', args, { cwd: root, env, stdio: 'inherit' });
  const counts = readReport(report);
  return { ...counts, failed: done.status === 0 ? counts.failed : Math.max(1, counts.failed) };
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
