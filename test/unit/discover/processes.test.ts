import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { componentProcesses, inOrdinaryPod } from '../../../src/discover/processes.ts';
import type { ProcessSeen } from '../../../src/nodes/processes.ts';

let pid = 100;
const process = (argv: string[], cgroup = '/', startTicks = pid): ProcessSeen => {
  pid += 1;
  return { pid, ppid: 1, uid: 0, argv, startedAt: startTicks * 10, startTicks, cgroup };
};
const names = (table: ProcessSeen[], node: string, config: string): string[] =>
  componentProcesses(table, node, parseConfig(config, 'reroot.yaml')).map(({ line }) => line.name);

const UUID = '0f1b9a52_6c2e_4f2b_9d3c_2b1a7c5d9e10';
const HASH = '8f1b9a526c2e4f2b9d3c2b1a7c5d9e10';

describe('which processes are components', () => {
  test('those of the catalogue, and those that reroot.yaml names', () => {
    const table = [process(['/usr/bin/kubelet', '--v=2']), process(['mine', '--x']), process(['nginx'])];
    expect(names(table, 'n1', 'nodes: {n1: {components: {mine: {}}}}')).toEqual(['kubelet', 'mine']);
    expect(names(table, 'n2', '{}')).toEqual(['kubelet']);
  });

  test('a static pod is one, an API server in an ordinary pod (a tenant of this cluster) is not', () => {
    const own = process(
      ['kube-apiserver'],
      `/kubepods.slice/kubepods-burstable-pod${HASH}.slice/cri-containerd-1.scope`,
    );
    const tenant = process(['etcd'], `/kubepods.slice/kubepods-burstable-pod${UUID}.slice/cri-containerd-2.scope`);
    expect(names([process(['init'], '/init.scope'), own, tenant], 'n1', '{}')).toEqual(['kube-apiserver']);
  });

  test('seen from inside a container that is itself in a pod, nothing is lost', () => {
    const pod = `/kubepods/burstable/pod${UUID.replaceAll('_', '-')}/abc`;
    expect(inOrdinaryPod(`${pod}/x`, pod)).toBe(false);
    expect(inOrdinaryPod(`${pod}/kubepods/pod${UUID}/y`, pod)).toBe(true);
    expect(inOrdinaryPod(pod, '/')).toBe(true);
  });

  test('while one is being replaced, the younger process is the component', () => {
    const table = [process(['etcd', '--name=old'], '/', 5), process(['etcd', '--name=new'], '/', 9)];
    expect(componentProcesses(table, 'n1', parseConfig('{}', 'f'))[0]?.line.flags.name).toEqual(['new']);
  });
});

describe('nodes that share one process table', () => {
  const table = [
    process(['etcd', '--data-dir=/lab/nodes/cp1/etcd']),
    process(['etcd', '--data-dir=/lab/nodes/cp2/etcd']),
    process(['kube-proxy', '--config=/lab/nodes/cp2/x']),
    process(['etcd', '--data-dir=/other-lab/nodes/cp1/etcd']),
  ];
  const config = (access: string) => `
access: ${access}
exec: run {node}
nodes:
  cp1: {components: {etcd: {paths: [/lab/nodes/cp1]}}}
  cp2: {components: {etcd: {paths: [/lab/nodes/cp2]}}}
  cp3: {components: {etcd: {paths: [/lab/nodes/cp3]}}}`;

  test('a node has what names its own folder', () => {
    const [cp1] = componentProcesses(table, 'cp1', parseConfig(config('exec'), 'f'));
    expect(cp1?.line.flags['data-dir']).toEqual(['/lab/nodes/cp1/etcd']);
    expect(names(table, 'cp2', config('exec'))).toEqual(['etcd', 'kube-proxy']);
  });
  test('a node whose component is down has none, and not that of another node', () => {
    expect(names(table, 'cp3', config('exec'))).toEqual([]);
  });
  test('the paths of a kube-proxy alone tell no nodes apart', () => {
    const one = 'access: exec\nexec: run {node}\nnodes: {cp1: {components: {kube-proxy: {paths: [/lab/nodes/cp2]}}}}';
    expect(names(table.slice(0, 3), 'cp1', one)).toEqual(['etcd', 'kube-proxy']);
  });
  test('over ssh a machine is a node, whatever paths are given', () => {
    expect(names(table.slice(3), 'cp3', config('ssh'))).toEqual(['etcd']);
  });
});
