// TLS errors in the logs of pods that have the cluster's CA: kube-proxy, aggregated API servers, whatever calls an API server from within. One command a
// node. Told without being judged: such a program may call servers that have nothing to do with the cluster, and only its owner knows whom it could not verify.

import { instancePods } from '../../core/catalog/pods.ts';
import { byKey } from '../../core/catalog/survey.ts';
import type { Pod } from '../../core/model/inventory.ts';
import { reasonOf } from '../../errors.ts';
import { runScript } from '../../nodes/script.ts';
import { atOnce } from '../combine.ts';
import { type Check, check, sinceOf, type VerifyContext } from './check.ts';
import { ABOUT_CLIENTS, TAIL, TLS } from './logs.ts';

/**
 * `PATH<TAB>COUNT<TAB>LAST LINE` of each log with such lines since `$1` (seconds since the epoch). Files are `NS_POD_UID/CONTAINER/N.log`
 * (K:pkg/kubelet/kuberuntime/helpers.go BuildPodLogsDirectory), each line begins with its time in RFC 3339 (CRI), in UTC or the node's zone.
 */
const SCRIPT = `
cd /var/log/pods 2>/dev/null || exit 3
utc=$(date -u -d "@$1" +%Y-%m-%dT%H:%M:%S) || exit 4
own=$(date -d "@$1" +%Y-%m-%dT%H:%M:%S)
files=$(find . -ignore_readdir_race -name '*.log' -newermt "@$1") || exit 4
[ -n "$files" ] || exit 0
printf '%s\\n' "$files" | while IFS= read -r file; do
  tail -c "$2" -- "$file" | awk -v file="$file" -v utc="$utc" -v own="$own" '
    /${TLS}/ && !/${ABOUT_CLIENTS}/ && substr($1, 1, 19) >= ($1 ~ /Z$/ ? utc : own) { count++; last = $0 }
    END { if (count) printf "%s\\t%d\\t%s\\n", substr(file, 3), count, substr(last, 1, 300) }'
done
`;

interface Found {
  count: number;
  last: string;
}

export async function podLogChecks(ctx: VerifyContext): Promise<Check[]> {
  const components = instancePods(ctx.inventory);
  const pods = ctx.inventory.pods.filter(
    ({ id, rootCA, hostPaths }) => !components.has(id) && (rootCA !== 'none' || hostPaths.length > 0),
  );
  const byNode = byKey(pods, ({ node }) => node);
  const checks = ctx.inventory.nodes.map(({ name, reached }) => {
    const own = reached ? byNode.get(name) : undefined;
    return own ? atOnce(() => look(ctx, name, own)) : [];
  });
  return (await Promise.all(checks)).flat();
}

async function look(ctx: VerifyContext, node: string, pods: readonly Pod[]): Promise<Check[]> {
  const channel = `pods of ${node}`;
  const since = sinceOf(ctx);
  try {
    const found = await errorsOn(ctx, node);
    if (!found) return [check('log', channel, undefined, 'there is no /var/log/pods that can be searched')];
    const wrong = pods.flatMap((pod) => {
      const errors = found.get(`${pod.namespace}/${pod.name}`);
      const message = `${errors?.count} TLS errors since ${since}, the last: ${errors?.last}`;
      return errors ? [check('log', pod.id, undefined, message)] : [];
    });
    const rest = pods.length - wrong.length;
    const message = `${rest} logs of pods with the cluster's CA: no TLS error since ${since}`;
    return rest > 0 ? [check('log', channel, true, message), ...wrong] : wrong;
  } catch (thrown) {
    return [check('log', channel, undefined, reasonOf(thrown))];
  }
}

/** By `NAMESPACE/POD`, over all its containers. undefined: the node keeps no such logs. */
async function errorsOn(ctx: VerifyContext, node: string): Promise<Map<string, Found> | undefined> {
  const args = [String(Math.floor(ctx.since / 1000)), String(TAIL)];
  const { code, stdout } = await runScript(ctx.accessOf(node), SCRIPT, args, { timeout: 60_000 });
  if (code !== 0) return undefined;
  const found = new Map<string, Found>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [path = '', count, last = ''] = line.split('\t');
    const [namespace, name] = path.split('/')[0]?.split('_') ?? [];
    if (count === undefined || name === undefined) continue;
    const pod = `${namespace}/${name}`;
    found.set(pod, { count: (found.get(pod)?.count ?? 0) + Number(count), last });
  }
  return found;
}
