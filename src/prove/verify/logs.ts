// TLS errors in the logs of components, where a log can be found: the file behind a process's standard error, the journal of its unit, the log of its
// static pod. What a component could not verify itself is a failure; whom a server turned away is told, for that client may be one that was waived.

import { isNotFound } from '../../cluster/client.ts';
import type { Instance, Millis } from '../../core/model/inventory.ts';
import { reasonOf } from '../../errors.ts';
import { runScript } from '../../nodes/script.ts';
import { atOnce } from '../combine.ts';
import { type Check, check, sinceOf, type VerifyContext } from './check.ts';

/** As much of a log's end as is looked at, in bytes. */
export const TAIL = 512 * 1024;

export async function logChecks(ctx: VerifyContext): Promise<Check[]> {
  const watched = ctx.inventory.instances.filter(({ pid }) => pid !== undefined);
  return Promise.all(watched.map((instance) => atOnce(() => look(ctx, instance))));
}

async function look(ctx: VerifyContext, instance: Instance): Promise<Check> {
  try {
    const log = await readLog(ctx, instance);
    if (!log) return check('log', instance.id, undefined, 'no log was found');
    const found = tlsErrors(log.text, log.isCut ? 0 : ctx.since, ctx.now, log.zone);
    const since = sinceOf(ctx);
    const turned =
      found.turnedAway.length > 0
        ? `; ${found.turnedAway.length} clients' requests or handshakes were turned away, the last: ${found.turnedAway.at(-1)}`
        : '';
    if (found.own.length === 0)
      return check('log', instance.id, true, `${log.where}: no TLS error since ${since}${turned}`);
    return check(
      'log',
      instance.id,
      false,
      `${log.where}: ${found.own.length} TLS errors since ${since}, the last: ${found.own.at(-1)}${turned}`,
    );
  } catch (thrown) {
    return check('log', instance.id, undefined, reasonOf(thrown));
  }
}

interface Log {
  where: string;
  text: string;
  /** It holds nothing from before `since`: who gave it has cut it. */
  isCut?: true;
  /** What klog's times are ahead of UTC, in milliseconds. */
  zone?: number;
}

async function readLog(ctx: VerifyContext, instance: Instance): Promise<Log | undefined> {
  switch (instance.management.by) {
    case 'static-pod':
      return podLog(ctx, instance);
    case 'unit':
      return journal(ctx, instance, instance.management.unit);
    default:
      return outputFile(ctx, instance);
  }
}

/** Mirror pods are named after the component and the node (kubeadm, K:pkg/kubelet/config/common.go). */
async function podLog(ctx: VerifyContext, { component, node }: Instance): Promise<Log | undefined> {
  const name = `${component}-${node}`;
  const age = Math.max(1, Math.ceil((ctx.now - ctx.since) / 1000));
  const path = `/api/v1/namespaces/kube-system/pods/${name}/log?sinceSeconds=${age}&limitBytes=${TAIL}`;
  const { status, body } = await ctx.cluster.request('GET', path, { retryFor: 0 }).catch((thrown: unknown) => {
    if (isNotFound(thrown)) return { status: 404, body: '' };
    throw thrown;
  });
  return status === 200 ? { where: `log of pod ${name}`, text: body, isCut: true } : undefined;
}

async function journal(ctx: VerifyContext, { node }: Instance, unit: string): Promise<Log | undefined> {
  const since = `@${Math.floor(ctx.since / 1000)}`;
  const argv = ['journalctl', '--unit', unit, '--since', since, '--output', 'cat', '--no-pager', '--lines', '5000'];
  const { code, stdout } = await ctx.accessOf(node).run(argv);
  return code === 0 ? { where: `journal of ${unit}`, text: stdout.toString('utf8'), isCut: true } : undefined;
}

const OUTPUT = `
f=$(readlink -- "/proc/$1/fd/2") || exit 3
[ -f "$f" ] || exit 3
printf '%s\\n%s\\n' "$f" "$(date +%z)"
tail -c "$2" -- "$f"
`;

async function outputFile(ctx: VerifyContext, { node, pid }: Instance): Promise<Log | undefined> {
  const { code, stdout } = await runScript(ctx.accessOf(node), OUTPUT, [String(pid), String(TAIL)]);
  if (code !== 0) return undefined;
  const [where = '', zone = '', ...lines] = stdout.toString('utf8').split('\n');
  return { where, zone: zoneOf(zone), text: lines.join('\n') };
}

/** `+0530` in milliseconds. */
function zoneOf(text: string): number {
  const [, sign, hours = 0, minutes = 0] = /^([+-])(\d\d)(\d\d)$/.exec(text) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** As awk and JavaScript both read it. */
export const TLS =
  'x509: |tls: (failed to verify|bad certificate|unknown certificate|certificate required)|certificate signed by unknown authority|certificate has expired';
/** What a server says about its clients: K:…/authentication handlers, Go's net/http and etcd's listener. */
export const ABOUT_CLIENTS = 'TLS handshake error from|[Uu]nable to authenticate the request|rejected connection';
const tls = new RegExp(TLS);
const aboutClients = new RegExp(ABOUT_CLIENTS);

export interface TlsErrors {
  /** The component could not verify somebody. */
  own: string[];
  /** It turned a client away, or a client turned it away. */
  turnedAway: string[];
}

/** Lines of klog or JSON logs; lines without a time of their own count as those before them. `zone`: of klog's times. Exported for its test. */
export function tlsErrors(text: string, since: Millis, now: Millis, zone: Millis = 0): TlsErrors {
  const found: TlsErrors = { own: [], turnedAway: [] };
  let at = 0;
  for (const line of text.split('\n')) {
    at = timeOf(line, now, zone) ?? at;
    if (at < since || !tls.test(line)) continue;
    (aboutClients.test(line) ? found.turnedAway : found.own).push(line.trim().slice(0, 300));
  }
  return found;
}

/** klog has neither year nor zone: `E1124 22:31:05.123456`, in the component's zone, which is UTC in containers. The year is the latest that is not ahead. */
function timeOf(line: string, now: Millis, zone: Millis): Millis | undefined {
  const klog = /^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})/.exec(line);
  if (klog) {
    const [month = 1, day = 1, hour = 0, minute = 0, second = 0, millis = 0] = klog.slice(1).map(Number);
    const inYear = (year: number) => Date.UTC(year, month - 1, day, hour, minute, second, millis) - zone;
    const year = new Date(now).getUTCFullYear();
    return inYear(year) > now + 86_400_000 ? inYear(year - 1) : inYear(year);
  }
  const json = /"ts":"([^"]+)"/.exec(line)?.[1];
  const time = json === undefined ? Number.NaN : Date.parse(json.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isNaN(time) ? undefined : time;
}
