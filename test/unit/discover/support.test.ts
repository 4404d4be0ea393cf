// What reroot does not turn is known by what nodes and versions say of themselves, and named with what does it instead.

import { describe, expect, it } from 'vitest';
import { syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import {
  distributionByLabels,
  distributionByVersion,
  NEWEST_MINOR,
  unsupportedNode,
} from '../../../src/core/catalog/support.ts';
import type { Inventory, Node } from '../../../src/core/model/inventory.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { unsupported } from '../../../src/core/plan/preconditions-support.ts';
import { supportFindings } from '../../../src/discover/findings-support.ts';

const findings = (inventory: Inventory) =>
  supportFindings({ inventory, keyFiles: [], strangers: [], used: new Set() } as never).map(
    ({ severity, reason, subject }) => `${severity} ${reason} ${subject}`,
  );

describe('distributions', () => {
  it.each([
    ['1.34.1+k3s1', 'k3s'],
    ['1.33.2+rke2r1', 'RKE2'],
    ['1.33.0+k0s', 'k0s'],
    ['1.32.1-eks-5d632ec', 'EKS'],
    ['1.33.1-gke.1584000', 'GKE'],
  ])('%s', (version, name) => expect(distributionByVersion(version)?.name).toContain(name));
  it.each(['1.36.3', '1.34.12', '1.36.0-rc.1', '1.35.0+vendor'])('%s is nobody’s', (version) =>
    expect(distributionByVersion(version)).toBeUndefined(),
  );
  it('by the labels of nodes, where the version says nothing', () => {
    expect(distributionByLabels({ 'kubernetes.azure.com/cluster': 'x' })?.name).toContain('AKS');
    expect(distributionByLabels({ 'node.openshift.io/os_id': 'rhel' })?.name).toBe('OpenShift');
    expect(distributionByLabels({ 'kubernetes.io/os': 'linux' })).toBeUndefined();
  });
});

describe('nodes', () => {
  it('Windows, Talos and Bottlerocket are told', () => {
    expect(unsupportedNode({ operatingSystem: 'windows', osImage: 'Windows Server 2022' })?.what).toMatch(/Windows/);
    expect(unsupportedNode({ operatingSystem: 'linux', osImage: 'Talos (v1.10.3)' })?.instead).toMatch(/talosctl/);
    expect(unsupportedNode({ osImage: 'Bottlerocket OS 1.19.0 (aws-k8s-1.33)' })?.what).toMatch(/Bottlerocket/);
  });
  it('others are not', () => {
    for (const osImage of [
      'Debian GNU/Linux 13 (trixie)',
      'Flatcar Container Linux by Kinvolk',
      'Ubuntu 24.04 LTS',
      '',
    ])
      expect(unsupportedNode({ operatingSystem: 'linux', osImage })).toBeUndefined();
    expect(unsupportedNode({})).toBeUndefined();
  });
});

const windows = (): Inventory => {
  const inventory = syntheticInventory({ controlPlanes: 1 });
  const node: Node = {
    name: 'win1',
    roles: ['worker'],
    reached: false,
    why: 'it runs Windows',
    unsupported: unsupportedNode({ operatingSystem: 'windows' })!,
  };
  return { ...inventory, nodes: [...inventory.nodes, node] };
};

describe('a Windows worker', () => {
  it('is named by inspect, and does not keep a rotation from beginning', () => {
    expect(findings(windows())).toEqual(['warning node-not-supported node/win1']);
    expect(unsupported(windows())).toEqual([]);
  });

  it('blocks retire and nothing before it, with what to do there, until it is waived', () => {
    const made = plan(windows(), syntheticRotation(), 'retire', T0);
    const blocked = made.steps.filter((step) => step.blockers.length > 0);
    expect(blocked.map(({ move }) => move)).toEqual(['retire']);
    expect(blocked[0]?.blockers).toMatchObject([{ party: 'node/win1', reason: 'node-not-supported' }]);
    expect(blocked[0]?.blockers[0]?.ways[0]).toMatch(/kubelet/);
    expect(plan(windows(), syntheticRotation(), 'issue', T0).steps.flatMap(({ blockers }) => blockers)).toEqual([]);
    const waivers = [{ party: 'node/win1', reason: 'done by hand' }];
    const waived = plan(windows(), syntheticRotation('bridge', { waivers }), 'retire', T0);
    expect([waived.refusal?.message, waived.steps.flatMap(({ blockers }) => blockers)]).toEqual([undefined, []]);
  });
});

describe('a cluster that is not for reroot', () => {
  it('is named by inspect in the words of the refusal', () => {
    const newer = syntheticInventory();
    newer.cluster.version = `1.${NEWEST_MINOR + 1}.0`;
    expect(findings(newer)).toEqual([`error version-not-tested ${newer.cluster.server}`]);
    const managed = syntheticInventory();
    managed.nodes = managed.nodes.filter(({ roles }) => roles.includes('worker'));
    managed.instances = managed.instances.filter(({ component }) => component === 'kubelet');
    managed.cluster.distribution = { name: 'AKS, a managed control plane', instead: 'az aks rotate-certs' };
    expect(findings(managed)).toEqual([
      `error distribution-not-supported ${managed.cluster.server}`,
      `error no-control-plane ${managed.cluster.server}`,
    ]);
    expect(unsupported(managed)[0]?.hint).toMatch(/az aks/);
  });
});
