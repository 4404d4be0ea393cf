import { type NodeAccess, NodeUnreachable } from './access.ts';
import { runScript } from './script.ts';

export interface ProcessSeen {
  pid: number;
  ppid: number;
  /** Effective user id. */
  uid: number;
  argv: string[];
  /** Milliseconds since the epoch by the node's clock, to about 20 ms. */
  startedAt: number;
  /** Clock ticks from the machine's boot to the start: with the pid this names the process exactly (proc_pid_stat(5), field 22). */
  startTicks: number;
  /** Path in the (unified or first) cgroup hierarchy, as `/system.slice/etcd.service` or `/kubepods/…`. */
  cgroup: string;
}

/** USER_HZ: 100 on every architecture Kubernetes runs on (include/uapi/asm-generic/param.h). */
const TICKS_PER_SECOND = 100;

// grep -z prints a NUL-ended record for each argument with the file's name before it: three processes for the whole table, and no argument can
// forge another's record, for none can hold a NUL. Processes that end meanwhile are missing in one of the lists, and left out.
const SCRIPT = `
printf 'now %s %s\\0' "$(date +%s%N)" "$(cat /proc/uptime)"
grep -azsH '' /proc/[0-9]*/stat /dev/null
grep -asH '^Uid:' /proc/[0-9]*/status /dev/null | tr '\\n' '\\0'
grep -azsH '' /proc/[0-9]*/cgroup /dev/null
grep -azsH '' /proc/[0-9]*/cmdline /dev/null
exit 0
`;

/** The process table of a node in one command; kernel threads have no argv and are not in it. */
export async function listProcesses(
  access: NodeAccess,
  options: { signal?: AbortSignal } = {},
): Promise<ProcessSeen[]> {
  const { stdout } = await runScript(access, SCRIPT, [], options.signal ? { signal: options.signal } : {});
  const records = stdout.toString('utf8').split('\0');
  const [, now, uptime = ''] = /^now (\S*) ([\d.]+)/.exec(records[0] ?? '') ?? [];
  const bootedAt = millisOf(access, now) - Number(uptime) * 1000;

  const table = new Map<number, Partial<ProcessSeen> & { argv: string[] }>();
  for (const record of records.slice(1)) {
    const match = /^\/proc\/(\d+)\/(stat|status|cgroup|cmdline):(.*)$/s.exec(record);
    if (!match) continue;
    const [, pid = '', file, content = ''] = match;
    const entry = table.get(Number(pid)) ?? { pid: Number(pid), argv: [] };
    table.set(entry.pid ?? 0, entry);
    if (file === 'cmdline') entry.argv.push(content);
    else if (file === 'status') entry.uid = Number(content.split(/\s+/)[2]);
    else if (file === 'cgroup') entry.cgroup = cgroupOf(content);
    else Object.assign(entry, parseStat(content, bootedAt));
  }
  return [...table.values()].filter(isWhole).sort((a, b) => a.pid - b.pid);
}

/**
 * From what `date +%s%N` gave. Busybox knows no `%N`: behind an nsenter of busybox its own tools may answer in place of the node's, and a process table by
 * them would have holes.
 */
function millisOf({ node }: NodeAccess, nanos = ''): number {
  if (/^\d{16,}$/.test(nanos)) return Number(BigInt(nanos) / 1_000_000n);
  const said = nanos === '' ? 'nothing' : nanos.slice(0, 40);
  throw new NodeUnreachable(
    node,
    `the tools that answer are not those that reroot needs (date +%s%N gave ${said}); behind nsenter of busybox let the command end in /usr/bin/env`,
  );
}

const isWhole = (entry: Partial<ProcessSeen> & { argv: string[] }): entry is ProcessSeen =>
  entry.argv.length > 0 && entry.startTicks !== undefined && entry.uid !== undefined && entry.cgroup !== undefined;

/** The name in parentheses may hold anything, parentheses too: the fields that count come after the last one. */
function parseStat(content: string, bootedAt: number): Pick<ProcessSeen, 'ppid' | 'startTicks' | 'startedAt'> {
  const fields = content.slice(content.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[19]);
  return {
    ppid: Number(fields[1]),
    startTicks,
    startedAt: Math.round(bootedAt + (startTicks * 1000) / TICKS_PER_SECOND),
  };
}

function cgroupOf(content: string): string {
  const lines = content.trim().split('\n');
  const line = lines.find((each) => each.startsWith('0::') && each !== '0::/') ?? lines[0] ?? '';
  return line.split(':').slice(2).join(':');
}

export interface ClockOffset {
  /** The node's clock minus ours, milliseconds. */
  offset: number;
  /** Half the round trip: the offset is right to within this. */
  error: number;
}

/** Milliseconds to which it is known well enough: a process starts and a file changes long before or after, or nothing follows from it. */
const CLOSE = 50;

/** Compares the clocks: the best of three questions, or the first that is close. */
export async function clockOffset(access: NodeAccess): Promise<ClockOffset> {
  let best: ClockOffset | undefined;
  for (let round = 0; round < 3 && (best?.error ?? Number.POSITIVE_INFINITY) > CLOSE; round++) {
    const sent = Date.now();
    const { stdout } = await runScript(access, 'date +%s%N', []);
    const received = Date.now();
    const theirs = millisOf(access, stdout.toString().trim());
    const error = (received - sent) / 2;
    if (!best || error < best.error) best = { offset: Math.round(theirs - (sent + received) / 2), error };
  }
  return best ?? { offset: 0, error: Number.POSITIVE_INFINITY };
}
