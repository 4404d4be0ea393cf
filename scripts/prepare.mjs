// What a fresh clone lacks, it gets here: npm packages (once per lock file) and the built command. Plain Node, no package needed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command with this terminal; ends the whole program with its code when it fails. */
export function must(command, args, why) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (done.status === 0) return;
  console.error(
    `${why}: ${[command, ...args].join(' ')} ended with ${done.status ?? done.signal ?? done.error?.message}`,
  );
  process.exit(done.status || 1);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 20)) return;
  console.error(
    `Node ${process.versions.node} is too old: 20.20 or newer is needed (Debian: apt-get install nodejs, or nodejs.org).`,
  );
  process.exit(2);
}

/** Installs the packages of package-lock.json unless they already are. */
export function installPackages() {
  checkNode();
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const mark = join(root, 'node_modules', '.reroot-installed');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  console.log('Installing the npm packages of package-lock.json (about 20 seconds)…');
  must('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], 'The packages could not be installed');
  writeFileSync(mark, wanted);
}

/** Bundles the command into dist/. */
export function build() {
  must(process.execPath, [join(root, 'scripts', 'build.mjs')], 'The command could not be built');
}
