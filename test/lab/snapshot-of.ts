// The whole lab as values to compare: every file and every object, but for Leases, Events, logs and etcd's data.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { kubectl, type TestLab } from './harness.ts';
import { filesBelow } from './old-doors.ts';

/** Paths that change by themselves while nobody does anything. */
const RESTLESS = /\/(log|var\/lib\/etcd)\/|\/events\.jsonl$|\/token$|supervisor\.log$|\.sock$/;
const RESTLESS_KINDS = /^(leases|events)(\.|$)/;

/** File or object to what it is: content hash, mode, owner and change time, or uid and resource version. */
export function snapshotOf(lab: TestLab): Record<string, string> {
  return { ...files(lab), ...objects(lab) };
}

function files(lab: TestLab): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const path of filesBelow(lab.dir)) {
    if (RESTLESS.test(path)) continue;
    const { mode, uid, gid, mtimeMs, ino, nlink } = statSync(path);
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
    // The programs in bin/ are one file for all labs of a version: another lab that comes or goes changes their count of links.
    const links = path.includes('/bin/') ? '' : nlink;
    seen[path] = [hash, mode.toString(8), uid, gid, mtimeMs, ino, links].join(' ');
  }
  return seen;
}

function objects(lab: TestLab): Record<string, string> {
  const kinds = kubectl(lab, ['api-resources', '--verbs=list', '-o', 'name'])
    .split('\n')
    .filter((kind) => kind !== '' && !RESTLESS_KINDS.test(kind) && !kind.includes('metrics'));
  const seen: Record<string, string> = {};
  for (const item of JSON.parse(kubectl(lab, ['get', kinds.join(','), '-A', '-o', 'json'])).items) {
    const { namespace = '', name, uid, resourceVersion } = item.metadata;
    // A kubelet writes its Node's heartbeat and its pods' status by itself: of those the part that people write is compared.
    const version = item.kind === 'Node' || item.kind === 'Pod' ? JSON.stringify(item.spec) : resourceVersion;
    seen[`${item.kind}/${namespace}/${name}`] = `${uid} ${version}`;
  }
  return seen;
}
