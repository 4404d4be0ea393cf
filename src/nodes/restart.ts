import { failedSafe, reasonOf } from '../errors.ts';
import { type NodeAccess, NodeUnreachable } from './access.ts';
import { listProcesses, type ProcessSeen } from './processes.ts';
import { NotRun, runHere } from './run-here.ts';
import { AnswerCut, runScript } from './script.ts';

/** How a component is managed; the same shape as the inventory's `management`. */
export type RestartBy =
  | { by: 'static-pod'; manifest: string }
  | { by: 'unit'; unit: string }
  | { by: 'command'; command: string }
  | { by: 'unknown' };

export interface RestartOptions {
  timeout?: number;
  signal?: AbortSignal;
}

/**
 * Sets a restart off. That a new process runs, and is ready, is for a proof to show: coming back says only that the order was taken.
 * A static pod is restarted by ending its process, which must be given; the kubelet starts it again. Throws RerootError when the order was not taken.
 */
export async function restartComponent(
  access: NodeAccess,
  instance: { id: string; management: RestartBy },
  process?: { pid: number; startedAt: number },
  options: RestartOptions = {},
): Promise<void> {
  const { management } = instance;
  switch (management.by) {
    case 'static-pod': {
      if (!process)
        throw failedSafe(
          `${instance.id} does not run, so it cannot be restarted`,
          undefined,
          'see its log on the node',
        );
      const running = (await listProcesses(access)).find(({ pid }) => pid === process.pid);
      // The start time is worked out from two clocks on each look, hence the tolerance; the ticks are exact from here on.
      if (running && Math.abs(running.startedAt - process.startedAt) < 1_000) await terminate(access, running);
      return;
    }
    case 'unit':
      return restartUnit(access, management.unit, options);
    case 'command':
      return restartByCommand(access.node, management.command, options);
    case 'unknown':
      throw failedSafe(
        `reroot does not know how to restart ${instance.id}`,
        undefined,
        `say it in reroot.yaml: nodes.${access.node}.components.${instance.id.split('/').at(-1)}.restart`,
      );
  }
}

// Between looking and killing the pid could pass to another process only if all pids wrap around within a millisecond.
const TERMINATE = `
pid=$1 ticks=$2 signal=$3
read -r line <"/proc/$pid/stat" || { echo gone; exit 0; }
line=\${line##*) }
set -- $line
shift 19
[ "$1" = "$ticks" ] || { echo gone; exit 0; }
kill "-$signal" "$pid"
`;

/** A signal, SIGTERM by default, to exactly this process: what runs under its pid now must have its start time. A process that is gone needs no ending. */
export async function terminate(
  access: NodeAccess,
  process: Pick<ProcessSeen, 'pid' | 'startTicks' | 'argv'>,
  signal: 'TERM' | 'KILL' = 'TERM',
): Promise<void> {
  const result = await runScript(access, TERMINATE, [String(process.pid), String(process.startTicks), signal]);
  if (result.code === 0) return;
  throw failedSafe(
    `cannot end ${process.argv[0]} (pid ${process.pid}) on ${access.node}: ${lastLine(result.stderr)}`,
    undefined,
    'let reroot act as root on the node: `sudo: true` in reroot.yaml, or --ssh-user root',
  );
}

/** kubectl's words for a stream that ended under it, perhaps before a byte of the answer had come (client-go remotecommand). Whether it was taken the processes show. */
const STREAM_CUT = /error stream|websocket: close|abnormal closure|unexpected EOF/;

async function restartUnit(access: NodeAccess, unit: string, options: RestartOptions): Promise<void> {
  const limits = { timeout: 120_000, ...options };
  const result = await runScript(access, 'systemctl restart -- "$1"', [unit], limits).catch((thrown: unknown) => {
    // The order was given and has cut the very way it came by: `kubectl exec` goes through the kubelet that is restarted.
    if (thrown instanceof AnswerCut || (thrown instanceof NodeUnreachable && STREAM_CUT.test(thrown.message)))
      return undefined;
    throw thrown;
  });
  if (!result || result.code === 0) return;
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
