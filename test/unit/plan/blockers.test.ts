import { describe, expect, it } from 'vitest';
import { fakeLeaf, OLD, SMALL, syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import { fileId, objectId } from '../../../src/core/model/ids.ts';
import type { Inventory, Pod } from '../../../src/core/model/inventory.ts';
import type { Rotation } from '../../../src/core/model/rotation.ts';
import type { Blocker, Plan } from '../../../src/core/model/step.ts';
import { plan } from '../../../src/core/plan/plan.ts';
import { planRollback } from '../../../src/core/plan/rollback.ts';
import { follow, MINUTE } from './follow.ts';
import { valuesIn } from './world.ts';

const LATER = T0 + 1000 * MINUTE;
const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  id: `pod/team-1/${name}`,
  namespace: 'team-1',
  name,
  node: 'w1',
  startedAt: T0 - 1000 * MINUTE,
  rootCA: 'projected',
  holds: [OLD.fingerprint],
  owner: { kind: 'ReplicaSet', name: 'app' },
  hostPaths: [],
  ...more,
});

const withPods = (...pods: Pod[]): Inventory => ({ ...syntheticInventory({ controlPlanes: 1 }), pods });
const blockersOf = (made: Plan): Blocker[] => made.steps.flatMap((step) => step.blockers);
const named = (made: Plan): string[] => blockersOf(made).map(({ party, reason }) => `${party} ${reason}`);
const stepWith = (made: Plan) => made.steps.find((step) => step.blockers.length > 0);
const waiving = (rotation: Rotation, ...parties: string[]): Rotation => ({
  ...rotation,
  waivers: parties.map((party) => ({ party, reason: 'a test' })),
});

describe('pods that keep what they read', () => {
  const frozen = withPods(pod('frozen'), pod('reloads', { rereads: true }));

  it('stand in the way of the first step of retire on the bridge route, and of nothing before', () => {
    const made = plan(frozen, syntheticRotation(), 'retire', T0);
    expect(named(made)).toEqual(['pod/team-1/frozen pod-holds-old']);
    expect(stepWith(made)).toBe(made.steps.find((step) => step.move === 'retire'));
    expect(blockersOf(plan(frozen, syntheticRotation(), 'issue', T0))).toEqual([]);
  });

  it('stand in the way of issue on the bundle route', () => {
    const made = plan(frozen, syntheticRotation('bundle'), 'retire', T0);
    expect(named(made)).toEqual(['pod/team-1/frozen pod-holds-old']);
    expect(stepWith(made)).toBe(made.steps.find((step) => step.move === 'issue'));
  });

  it('are named with the ways on, the most sparing first', () => {
    const [blocker] = blockersOf(plan(frozen, syntheticRotation(), 'retire', T0));
    expect(blocker?.ways).toEqual(['--restart stale', '--waive pod/team-1/frozen=REASON']);
    const bare = withPods(pod('bare', { owner: undefined as never }));
    delete (bare.pods[0] as Partial<Pod>).owner;
    expect(blockersOf(plan(bare, syntheticRotation(), 'retire', T0))[0]?.ways[0]).toMatch(/delete and create it again/);
  });

  it('fall out once they are waived, and only they', () => {
    const two = withPods(pod('frozen'), pod('other'));
    const made = plan(two, waiving(syntheticRotation(), 'pod/team-1/frozen'), 'retire', T0);
    expect(named(made)).toEqual(['pod/team-1/other pod-holds-old']);
    expect(blockersOf(plan(frozen, waiving(syntheticRotation(), 'pod/team-1/frozen'), 'retire', T0))).toEqual([]);
  });

  it('are evicted with --restart stale, after the new CA was shown to reach them', () => {
    const made = plan(frozen, syntheticRotation('bridge', { restart: 'stale' }), 'retire', T0);
    expect(blockersOf(made)).toEqual([]);
    const at = made.steps.findIndex((step) => step.action.do === 'evict');
    expect(made.steps[at]?.action).toEqual({ do: 'evict', pods: ['pod/team-1/frozen'] });
    expect(made.steps[at]?.move).toBe('retire');
    expect(made.steps[at]?.gate.map((proof) => proof.kind)).toEqual(['published', 'holds']);
    expect(made.restarts.pods).toBe(1);
  });

  it('with --restart all what can roll out by its own strategy does, and the others are evicted', () => {
    const pods = withPods(
      pod('web-1', { workload: { kind: 'Deployment', name: 'web' } }),
      pod('web-2', { workload: { kind: 'Deployment', name: 'web' }, rereads: true }),
      pod('db-0', { owner: { kind: 'StatefulSet', name: 'db' }, workload: { kind: 'StatefulSet', name: 'db' } }),
      pod('job-x', { owner: { kind: 'Job', name: 'job' } }),
    );
    const made = plan(pods, syntheticRotation('bridge', { restart: 'all' }), 'retire', T0);
    expect([made.refusal?.message, blockersOf(made)]).toEqual([undefined, []]);
    const rolled = made.steps.find((step) => step.action.do === 'roll');
    expect(rolled?.action).toMatchObject({
      workloads: expect.arrayContaining(['object/Deployment/team-1/web', 'object/StatefulSet/team-1/db']),
    });
    expect(rolled?.action.do === 'roll' && rolled.action.workloads).toHaveLength(2);
    const evicted = made.steps.find((step) => step.action.do === 'evict');
    expect(evicted?.action).toEqual({ do: 'evict', pods: ['pod/team-1/job-x'] });
    expect(rolled?.gate.map((proof) => proof.kind)).toEqual(['published', 'holds']);
    expect(evicted?.proof.map((proof) => proof.kind)).toEqual(['loaded']);
    expect(made.restarts.pods).toBe(1);
  });

  it('a bare pod is not evicted: nothing would bring it back', () => {
    const bare = withPods(pod('bare'), pod('owned'));
    delete (bare.pods[0] as Partial<Pod>).owner;
    const made = plan(bare, syntheticRotation('bridge', { restart: 'stale' }), 'retire', T0);
    expect(made.steps.flatMap((step) => (step.action.do === 'evict' ? step.action.pods : []))).toEqual([
      'pod/team-1/owned',
    ]);
    expect(named(made)).toEqual(['pod/team-1/bare pod-holds-old']);
  });

  it('no longer stand in the way once they were restarted after the new CA reached them', () => {
    const rotation = syntheticRotation();
    const issued = follow(frozen, rotation, plan(frozen, rotation, 'issue', T0), T0).end;
    expect(named(plan(issued, rotation, 'retire', LATER))).toEqual(['pod/team-1/frozen pod-holds-old']);
    for (const one of issued.pods) one.startedAt = LATER - MINUTE;
    expect(blockersOf(plan(issued, rotation, 'retire', LATER))).toEqual([]);
  });

  it('trap 23: a subPath mount never changes, whatever its author promised', () => {
    const made = plan(withPods(pod('sub', { rootCA: 'sub-path', rereads: true })), syntheticRotation(), 'retire', T0);
    expect(named(made)).toEqual(['pod/team-1/sub pod-holds-old']);
  });

  it('pods without the CA are nobody here', () => {
    expect(blockersOf(plan(withPods(pod('none', { rootCA: 'none' })), syntheticRotation(), 'retire', T0))).toEqual([]);
  });

  it('thousands are classes, and still each is named', () => {
    const many = syntheticInventory({ ...SMALL, pods: 3000 });
    const made = plan(many, syntheticRotation(), 'retire', T0);
    expect(blockersOf(made)).toHaveLength(2700);
    expect(new Set(named(made)).size).toBe(2700);
  });
});

describe('files and objects of people', () => {
  it('a kubeconfig with old alone blocks retire by both of its parts, as one file', () => {
    const made = plan(syntheticInventory({ controlPlanes: 1, person: true }), syntheticRotation(), 'retire', T0);
    const party = fileId('w1', '/home/ann/.kube/config');
    expect(new Set(named(made))).toEqual(new Set([`${party} kubeconfig-holds-old`]));
    expect(stepWith(made)?.move).toBe('retire');
    expect(blockersOf(made)[0]?.ways.at(-1)).toBe(`--waive ${party}=REASON`);
    expect(
      blockersOf(
        plan(syntheticInventory({ controlPlanes: 1, person: true }), waiving(syntheticRotation(), party), 'retire', T0),
      ),
    ).toEqual([]);
  });

  it('one that trusts both and presents new does not', () => {
    const rotation = syntheticRotation();
    const [cluster] = rotation.authorities;
    const start = syntheticInventory({ controlPlanes: 1, person: true });
    const inventory = follow(start, rotation, plan(start, rotation, 'issue', T0), T0).end;
    for (const store of inventory.stores.filter((one) => one.path === '/home/ann/.kube/config')) {
      store.certs = store.kind === 'kubeconfig-ca' ? [OLD, cluster!.new] : [fakeLeaf('ann', cluster!.new)];
    }
    expect(blockersOf(plan(inventory, rotation, 'retire', LATER))).toEqual([]);
  });

  it('a ConfigMap with a copy of the CA blocks retire, however many of its keys hold one', () => {
    const inventory = syntheticInventory({ controlPlanes: 1 });
    for (const key of ['ca.pem', 'bundle.pem']) {
      inventory.stores.push({ id: objectId('ConfigMap', 'team-1', 'copy', key), kind: 'object-bundle', certs: [OLD] });
    }
    const made = plan(inventory, syntheticRotation(), 'retire', T0);
    expect(new Set(named(made))).toEqual(new Set(['object/ConfigMap/team-1/copy copy-holds-old']));
  });

  it('so does one with the CA within a text of its own, and no step writes it', () => {
    const inventory = syntheticInventory({ controlPlanes: 1 });
    const id = objectId('ConfigMap', 'team-1', 'settings', 'app.yaml');
    inventory.stores.push({ id, kind: 'object-bundle', embedded: true, certs: [OLD] });
    const made = plan(inventory, syntheticRotation(), 'retire', T0);
    expect(new Set(named(made))).toEqual(new Set(['object/ConfigMap/team-1/settings copy-holds-old']));
    const written = made.steps.flatMap(({ action }) => (action.do === 'write' ? action.stores : []));
    expect(written).not.toContain(id);
  });
});

describe('others', () => {
  it('a webhook that serves from old, from a place nobody knows, blocks retire', () => {
    const inventory = syntheticInventory({ controlPlanes: 1 });
    const [webhook] = inventory.callees;
    delete webhook!.servingStore;
    webhook!.served = [fakeLeaf('webhook', OLD)];
    const made = plan(inventory, syntheticRotation(), 'retire', T0);
    expect(named(made)).toEqual(['webhook/policy callee-serves-old']);
    expect(stepWith(made)?.move).toBe('retire');
  });

  it('trap 5: a worker that is away blocks retire only, for it accepts the bridge', () => {
    const inventory = syntheticInventory({ controlPlanes: 1 });
    inventory.nodes.find((node) => node.name === 'w2')!.reached = false;
    inventory.instances = inventory.instances.filter((one) => one.node !== 'w2');
    inventory.stores = inventory.stores.filter((one) => one.node !== 'w2');
    expect(blockersOf(plan(inventory, syntheticRotation(), 'issue', T0))).toEqual([]);
    const made = plan(inventory, syntheticRotation(), 'retire', T0);
    expect(new Set(named(made))).toEqual(new Set(['node/w2 node-not-reached']));
    expect(blockersOf(plan(inventory, waiving(syntheticRotation(), 'node/w2'), 'retire', T0))).toEqual([]);
  });

  it('trap 14: a pod that mounted admin.conf before it was reissued blocks retire', () => {
    const rotation = syntheticRotation();
    const inventory = withPods(
      pod('vip', {
        namespace: 'kube-system',
        id: 'pod/kube-system/vip',
        node: 'cp1',
        rootCA: 'none',
        hostPaths: ['/etc/kubernetes/admin.conf'],
      }),
    );
    const made = plan(inventory, rotation, 'retire', T0);
    expect(new Set(named(made))).toEqual(new Set(['pod/kube-system/vip pod-mounts-old-kubeconfig']));
    const issued = follow(inventory, rotation, plan(inventory, rotation, 'issue', T0), T0).end;
    for (const one of issued.pods) one.startedAt = LATER - MINUTE;
    expect(blockersOf(plan(issued, rotation, 'retire', LATER))).toEqual([]);
  });

  it('trap 14: with --restart stale such a pod is evicted in retire where its owner makes another, and only then', () => {
    const reads = (more: Partial<Pod>): Pod =>
      pod('agent', { node: 'cp1', rootCA: 'none', hostPaths: ['/etc/kubernetes/admin.conf'], ...more });
    const rotation = syntheticRotation('bridge', { restart: 'stale' });
    const inventory = withPods(reads({}));
    const made = plan(inventory, rotation, 'retire', T0);
    expect(named(made)).toEqual([]);
    const at = made.steps.findIndex(({ action }) => action.do === 'evict');
    expect(made.steps[at]).toMatchObject({ move: 'retire', action: { pods: ['pod/team-1/agent'] } });
    // What it presents must be new, what it trusts may be both.
    expect(made.steps[at]?.proof.map(({ keep }) => keep)).toEqual(expect.arrayContaining([['both', 'new'], ['new']]));
    follow(inventory, rotation, made, T0);
    // It waits for no second one, and the way back evicts it as well.
    const issued = follow(inventory, rotation, plan(inventory, rotation, 'issue', T0), T0).end;
    const back = planRollback(issued, { ...rotation, rollback: true }, LATER);
    expect(back.steps.flatMap(({ action }) => (action.do === 'evict' ? action.pods : []))).toEqual([
      'pod/team-1/agent',
    ]);
    const alone = withPods(reads({}));
    delete (alone.pods[0] as Partial<Pod>).owner;
    const refused = plan(alone, rotation, 'retire', T0);
    expect(new Set(named(refused))).toEqual(new Set(['pod/team-1/agent pod-mounts-old-kubeconfig']));
    expect(blockersOf(refused)[0]?.ways[0]).toMatch(/restart it/);
    expect(blockersOf(plan(inventory, syntheticRotation(), 'retire', T0))[0]?.ways[0]).toBe('--restart stale');
  });

  it('trap 14: a static pod that mounts admin.conf is restarted once it was reissued, one after the other, and blocks nothing', () => {
    const rotation = syntheticRotation();
    const vips = ['cp1', 'cp2', 'cp3'].map((node) =>
      pod(`vip-${node}`, {
        namespace: 'kube-system',
        id: `pod/kube-system/vip-${node}`,
        node,
        rootCA: 'none',
        owner: { kind: 'Node', name: node },
        staticHash: '0123456789abcdef0123456789abcdef',
        hostPaths: ['/etc/kubernetes/admin.conf'],
      }),
    );
    const inventory: Inventory = { ...syntheticInventory(), pods: vips };
    const made = plan(inventory, rotation, 'retire', T0);
    expect(named(made)).toEqual([]);
    const podRestarts = (some: Plan) =>
      some.steps.filter(
        ({ action }) => action.do === 'restart' && action.waves.flat().some((id) => id.startsWith('pod/')),
      );
    const restarts = podRestarts(made);
    expect(restarts.map(({ move }) => move)).toEqual(['issue']);
    expect(restarts[0]?.action).toMatchObject({ waves: vips.map(({ id }) => [id]) });
    const isAdmin = (id: string): boolean => id.includes('/admin.conf#');
    const written = made.steps.findLastIndex(({ move, after }) => move === 'issue' && Object.keys(after).some(isAdmin));
    expect(made.steps.indexOf(restarts[0] as (typeof restarts)[number])).toBeGreaterThan(written);
    // Nothing is left for a second plan, and the way back restarts them as well.
    const end = follow(inventory, rotation, plan(inventory, rotation, 'issue', T0), T0).end;
    expect(plan(end, rotation, 'issue', LATER).steps.filter((step) => step.action.do === 'restart')).toEqual([]);
    const back = planRollback(end, { ...rotation, rollback: true }, LATER);
    expect(podRestarts(back)).toHaveLength(1);
  });

  it('a process nobody knows how to restart blocks once its kubeconfig trusts old alone', () => {
    const inventory = syntheticInventory({ controlPlanes: 1 });
    inventory.instances.push({
      id: 'w1/agent',
      node: 'w1',
      component: 'agent',
      startedAt: T0 - 1000 * MINUTE,
      flags: { kubeconfig: ['/etc/agent.conf'] },
      settings: {},
      management: { by: 'unknown' },
    });
    const common = { node: 'w1', path: '/etc/agent.conf', changedAt: T0 - 2000 * MINUTE };
    inventory.stores.push(
      { ...common, id: fileId('w1', '/etc/agent.conf', 'ca'), kind: 'kubeconfig-ca', certs: [OLD] },
      {
        ...common,
        id: fileId('w1', '/etc/agent.conf', 'client'),
        kind: 'kubeconfig-client',
        certs: [fakeLeaf('agent', OLD)],
      },
    );
    const made = plan(inventory, syntheticRotation(), 'retire', T0);
    expect(made.refusal).toBeUndefined();
    expect(new Set(named(made))).toEqual(new Set(['w1/agent component-not-restartable']));
    expect(stepWith(made)?.move).toBe('retire');
    expect(
      valuesIn(follow(inventory, syntheticRotation(), made, T0).end, syntheticRotation())[
        fileId('w1', '/etc/agent.conf', 'ca')
      ],
    ).toBe('new');
  });
});
