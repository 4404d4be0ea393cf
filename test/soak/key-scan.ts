// Looks for private keys where none may be: output, events, logs, records, world-readable files, argument lists.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestLab } from '../lab/harness.ts';
import { filesBelow } from '../lab/old-doors.ts';

const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g;
/** base64 of `-----BEGIN … PRIVATE KEY` at each of the three offsets begins differently; the first is how kubeconfigs and Secrets hold it. */
const ENCODED = /LS0tLS1CRUdJTi[A-Za-z0-9+/=]{40,}/g;

/** What was found, one line each; empty is good. `spoken` is all that commands printed. */
export function keysFoundIn(lab: TestLab, spoken: readonly unknown[]): string[] {
  const bodies = keyBodies(lab);
  const found: string[] = [];
  const look = (where: string, text: string): void => {
    if (KEY.test(text)) found.push(`${where}: a PEM key`);
    KEY.lastIndex = 0;
    for (const data of text.match(ENCODED) ?? []) {
      if (/PRIVATE KEY/.test(Buffer.from(data, 'base64').toString('latin1'))) found.push(`${where}: a base64 PEM key`);
    }
    for (const body of bodies) if (text.includes(body)) found.push(`${where}: the body of a key that lies in the lab`);
  };
  for (const [index, value] of spoken.entries()) look(`output ${index}`, JSON.stringify(value));
  for (const path of filesBelow(lab.dir)) {
    const { mode } = statSync(path);
    const open = (mode & 0o077) !== 0;
    const talk = /\/log\/|events\.jsonl$|supervisor\.log$|record\.json$/.test(path);
    if ((open || talk) && !path.includes('/var/lib/etcd/')) look(path, readFileSync(path, 'latin1'));
  }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) look(`argv of ${pid}`, argvOf(pid));
  return [...new Set(found)];
}

function argvOf(pid: string): string {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'latin1');
  } catch {
    return '';
  }
}

/** A line out of the middle of each private key file: what would show if one were printed without its header. */
function keyBodies(lab: TestLab): string[] {
  const lines = new Set<string>();
  for (const path of filesBelow(lab.dir)) {
    if (!/\.(key|pem)$/.test(path)) continue;
    for (const key of readFileSync(path, 'utf8').match(KEY) ?? []) {
      const body = key.split('\n').slice(1, -1);
      const middle = body[Math.floor(body.length / 2)];
      if (middle && middle.length >= 40) lines.add(middle);
    }
  }
  return [...lines];
}
