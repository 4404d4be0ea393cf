// Files in a static pod folder: what is a Pod gives its flags, what is none is left to the kubelet.

import { expect, test } from 'vitest';
import { parseManifest } from '../../../src/discover/manifests.ts';

const seen = (text: string) => parseManifest('/m/x.yaml', text, 1);

test.each([
  ['containers that are no list', 'spec: {containers: {}}'],
  ['a null among the containers', 'spec: {containers: [null, {command: [etcd]}]}'],
  ['arguments that are no list', 'spec: {containers: [{command: [etcd], args: 5}]}'],
  ['a list among the arguments', 'spec: {containers: [{command: [etcd, [--x]]}]}'],
  ['an alias without its anchor', 'spec: {containers: [{command: [etcd, --names, *.svc]}]}'],
  ['a spec that is a word', 'spec: later'],
  ['a list', '- spec'],
  ['a word', 'etcd'],
  ['nothing', ''],
  ['no YAML', 'spec: ['],
])('%s: no Pod', (_what, text) => {
  expect(seen(text)).toEqual([]);
  // What else lies in the same file is seen all the same.
  expect(seen(`spec: {containers: [{command: [etcd, --name=a]}]}\n---\n${text}`)).toMatchObject([
    { component: 'etcd', flags: { name: ['a'] } },
  ]);
});

test('a number among the arguments is a word, and a container without a command names no program', () => {
  expect(seen('spec: {containers: [{image: pause}, {command: [etcd, --snapshot-count, 10000], args: null}]}')).toEqual([
    { path: '/m/x.yaml', component: 'etcd', flags: { 'snapshot-count': ['10000'] }, changedAt: 1 },
  ]);
});
