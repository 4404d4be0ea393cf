// Runs one project of vitest and counts. A file that breaks outside its tests (an import, a hook) counts as a failure even where no test of it does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'reroot-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Gives `{ passed, failed, skipped }`; `filters` are parts of paths, none for all files. */
export function runTests(project, filters = []) {
  const report = join(scratch, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['vitest', 'run', '--project', project, ...reporters, ...filters, '--passWithNoTests'];
  const done = spawnSync('npx', args, { cwd: root, stdio: 'inherit' });
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
