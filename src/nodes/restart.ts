import { failedSafe, reasonOf } from '../errors.ts';
import type { NodeAccess } from './access.ts';
import type { ProcessSeen } from './processes.ts';
import { NotRun, runHere } from './run-here.ts';
import { runScript } from './script.ts';

export type RestartOrder =
  | { by: 'static-pod'; process: ProcessSeen }
  | { by: 'unit'; unit: string }
  | { by: 'command'; command: string };

export interface RestartOptions {
  timeout?: number;
  signal?: AbortSignal;
}

/**
 * Sets a restart off. That a new process runs, and is ready, is for a proof to show: coming back says only that the order was taken.
 * Throws RerootError when it was not.
 */
export async function restart(access: NodeAccess, order: RestartOrder, options: RestartOptions = {}): Promise<void> {
  switch (order.by) {
    case 'static-pod':
      return terminate(access, order.process);
    case 'unit':
      return restartUnit(access, order.unit, options);
    case 'command':
      return restartByCommand(access.node, order.command, options);
  }
}

// Between looking and killing the pid could pass to another process only if all pids wrap around within a millisecond.
const TERMINATE = `
pid=$1 ticks=$2
read -r line <"/proc/$pid/stat" || { echo gone; exit 0; }
line=\${line##*) }
set -- $line
shift 19
[ "$1" = "$ticks" ] || { echo gone; exit 0; }
kill -TERM "$pid"
`;

/** SIGTERM to exactly this process: what runs under its pid now must have its start time. A process that is gone needs no ending. */
export async function terminate(
  access: NodeAccess,
  process: Pick<ProcessSeen, 'pid' | 'startTicks' | 'argv'>,
): Promise<void> {
  const result = await runScript(access, TERMINATE, [String(process.pid), String(process.startTicks)]);
  if (result.code === 0) return;
  throw failedSafe(
    `cannot end ${process.argv[0]} (pid ${process.pid}) on ${access.node}: ${lastLine(result.stderr)}`,
    undefined,
    'let reroot act as root on the node: `sudo: true` in reroot.yaml, or --ssh-user root',
  );
}

async function restartUnit(access: NodeAccess, unit: string, options: RestartOptions): Promise<void> {
  const result = await access.run(['systemctl', 'restart', '--', unit], { timeout: 120_000, ...options });
  if (result.code === 0) return;
  throw failedSafe(
    `cannot restart the unit ${unit} on ${access.node}: ${lastLine(result.stderr)}`,
    undefined,
    `see why: systemctl status ${unit}; journalctl -u ${unit}`,
  );
}

/** The command of reroot.yaml runs on this machine, by `sh -c`: it is the user's own and may reach the node in its own way. */
async function restartByCommand(node: string, command: string, options: RestartOptions): Promise<void> {
  let said: string;
  try {
    const result = await runHere(['sh', '-c', command], { timeout: 120_000, ...options });
    if (result.code === 0) return;
    said = lastLine(result.stderr) || `code ${result.code}`;
  } catch (thrown) {
    if (!(thrown instanceof NotRun)) throw thrown;
    said = reasonOf(thrown);
  }
  throw failedSafe(
    `the restart command for ${node} failed: ${said}`,
    undefined,
    `run it by hand and mend it: ${command}`,
    'it is nodes.NAME.components.NAME.restart in reroot.yaml',
  );
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
