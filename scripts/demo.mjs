// The demo in a fresh clone: gets what is missing, then hands over to the command. `npm run demo -- --quick`
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, installPackages, root } from './prepare.mjs';

installPackages();
build();
const child = spawn(process.execPath, [join(root, 'dist', 'reroot.mjs'), 'lab', 'demo', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C reaches the whole process group; the demo takes its lab down and ends by itself.
process.on('SIGINT', () => {});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal ? 130 : 1);
});
