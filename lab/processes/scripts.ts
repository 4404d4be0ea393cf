// The two small programs in a lab's bin/: shell, so that they start in a millisecond.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './layout.ts';

export function writeScripts(place: Place): void {
  put(join(place.bin, 'node-exec'), nodeExec(place.dir));
  put(join(place.bin, 'restart'), restart(place.dir));
}

function put(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const AS_ROOT = asLabUserOfRoot();

/** The words for root, whoever makes the lab: the script looks who runs it. */
function asLabUserOfRoot(): string {
  return 'setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs --';
}

/** 255 is what ssh says when it is the way that failed and not the command. */
const nodeExec = (dir: string): string => `#!/bin/sh
# node-exec NODE COMMAND...: runs a command as if on that node, in its folder.
lab=${quote(dir)}
node=$1
if [ -z "$node" ] || [ ! -d "$lab/nodes/$node" ]; then
  echo "node-exec: no node \\"$node\\" in $lab" >&2
  exit 255
fi
shift
cd "$lab/nodes/$node" || exit 255
PATH="$lab/nodes/$node/bin:$lab/bin:$PATH"
HOME="$lab/nodes/$node/root"
REROOT_LAB="$lab"
REROOT_NODE="$node"
export PATH HOME REROOT_LAB REROOT_NODE
umask 022
[ "$(id -u)" = 0 ] && [ "$(stat -c %u "$lab")" != 0 ] && exec ${AS_ROOT} "$@"
exec "$@"
`;

/** Comes back when the old process is gone. One that is not running is being started by the supervisor already. */
const restart = (dir: string): string => `#!/bin/sh
# restart NODE COMPONENT: ends the component's process; the supervisor starts the next one from the manifest.
lab=${quote(dir)}
file="$lab/nodes/$1/run/$2.pid"
if [ $# -ne 2 ] || [ ! -e "$lab/nodes/$1/etc/kubernetes/manifests/$2.yaml" ]; then
  echo "usage: restart NODE COMPONENT, with a component that has a manifest in $lab/nodes/NODE/etc/kubernetes/manifests" >&2
  exit 2
fi
pid=$(cat "$file" 2>/dev/null) || exit 0
ours() {
  { tr '\\0' '\\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qxF "REROOT_LAB=$lab"
}
ours || exit 0
kill -TERM "$pid" 2>/dev/null || { ours || exit 0; echo "restart: process $pid of $2 on $1 cannot be ended" >&2; exit 1; }
# An API server that watches stand on drains for a minute; told twice, it ends at once. The lone sample API server gets a second to finish.
if [ "$2" = sample-apiserver ]; then sleep 1; ours && kill -TERM "$pid" 2>/dev/null; fi
while ours; do sleep 0.02; done
`;
