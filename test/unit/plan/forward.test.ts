import { describe, expect, it } from 'vitest';
import { syntheticInventory, syntheticRotation, T0 } from '../../../bench/inventory.ts';
import type { Inventory } from '../../../src/core/model/inventory.ts';
import type { Rotation, Route } from '../../../src/core/model/rotation.ts';
import { onlyProves, plan } from '../../../src/core/plan/plan.ts';
import { changing, follow, MINUTE, restarts, writes } from './follow.ts';
import { after, valuesIn } from './world.ts';

/** When the rotation is taken up again. */
const LATER = T0 + 1000 * MINUTE;
const SHAPES = [1, 3];
const ROUTES: Route[] = ['bridge', 'bundle'];
const cases = SHAPES.flatMap((controlPlanes) => ROUTES.map((route) => ({ controlPlanes, route })));

describe.each(cases)('a whole rotation, $controlPlanes control planes, $route route', ({ controlPlanes, route }) => {
  const start = syntheticInventory({ controlPlanes });
  const rotation = syntheticRotation(route);
  const made = plan(start, rotation, 'retire', T0);
  const { worlds, end } = follow(start, rotation, made, T0, true);
  const reached = valuesIn(end, rotation);

  it('is safe at every step and leaves nothing of old', () => {
    expect(made.refusal).toBeUndefined();
    expect(made.steps.flatMap((step) => step.blockers)).toEqual([]);
    const left = Object.entries(reached).filter(([, value]) => value !== 'new');
    expect(left).toEqual([]);
  });

  it('names each step once, and ends with nothing more to do', () => {
    const ids = made.steps.map((step) => step.id);
    expect(new Set(ids).size).toBe(ids.length);
    const again = plan(end, rotation, 'retire', LATER);
    expect(again.refusal).toBeUndefined();
    expect(onlyProves(again), again.steps.map((step) => step.id).join()).toBe(true);
  });

  it('restarts as often as the design says', () => {
    const clients = route === 'bridge' ? 1 : 2;
    expect(made.restarts).toMatchObject({
      'kube-apiserver': 0,
      etcd: 0,
      'kube-controller-manager': 2,
      'kube-scheduler': clients,
      kubelet: clients,
      pods: 0,
    });
  });

  it('goes on from every prefix to the same end, and does nothing twice', () => {
    made.steps.forEach((step, done) => {
      const at = worlds[done] as Inventory;
      const rest = plan(at, rotation, 'retire', LATER);
      expect(rest.refusal?.message, `before ${step.id}`).toBeUndefined();
      expect(writes(rest.steps), `before ${step.id}`).toEqual(writes(made.steps.slice(done)));
      // With bundles a client must be known to hold both; once its file has new alone and it did not restart, only a restart tells.
      const spare = route === 'bundle' ? 1 : 0;
      const allowed = restarts(made.steps.slice(done));
      for (const [party, count] of restarts(rest.steps)) {
        expect(count, `${party} before ${step.id}`).toBeLessThanOrEqual((allowed.get(party) ?? 0) + spare);
      }
      expect(valuesIn(follow(at, rotation, rest, LATER).end, rotation)).toEqual(reached);
    });
  });

  it('goes on from half-done steps to the same end', () => {
    made.steps.forEach((step, done) => {
      if (controlPlanes > 1 && done % 3 !== 0) return;
      const half = after(worlds[done] as Inventory, rotation, step, T0 + 500 * MINUTE, true);
      const rest = plan(half, rotation, 'retire', LATER);
      expect(rest.refusal?.message, `in the middle of ${step.id}`).toBeUndefined();
      expect(valuesIn(follow(half, rotation, rest, LATER).end, rotation), step.id).toEqual(reached);
    });
  });
});

describe('components with a configuration file', () => {
  const start = syntheticInventory();
  const rotation = syntheticRotation('bundle');
  const scheduler = start.instances.find(({ id }) => id === 'cp1/kube-scheduler')!;
  const kubelet = start.instances.find(({ id }) => id === 'w1/kubelet')!;
  scheduler.flags = { config: ['/etc/kubernetes/scheduler.yaml'] };
  scheduler.settings = { 'clientConnection.kubeconfig': '/etc/kubernetes/scheduler.conf' };
  start.instances.push({
    ...kubelet,
    id: 'w1/kube-proxy',
    component: 'kube-proxy',
    flags: { config: ['/var/lib/kube-proxy/config.yaml'] },
    settings: { 'clientConnection.kubeconfig': '/var/lib/kube-proxy/kubeconfig' },
    management: { by: 'unit', unit: 'kube-proxy.service' },
  });
  start.stores.push(
    ...start.stores
      .filter(({ node, path }) => node === 'cp1' && path === '/etc/kubernetes/scheduler.conf')
      .map((store) => ({
        ...store,
        id: store.id.replace('cp1:/etc/kubernetes/scheduler.conf', 'w1:/var/lib/kube-proxy/kubeconfig'),
        node: 'w1',
        path: '/var/lib/kube-proxy/kubeconfig',
      })),
  );

  it('are turned and restarted as those with flags are', () => {
    const made = plan(start, rotation, 'retire', T0);
    expect(made.refusal).toBeUndefined();
    const counts = restarts(made.steps);
    expect([counts.get('cp1/kube-scheduler'), counts.get('w1/kube-proxy')]).toEqual([2, 2]);
    const { end } = follow(start, rotation, made, T0);
    expect(Object.entries(valuesIn(end, rotation)).filter(([, value]) => value !== 'new')).toEqual([]);
  });
});

describe('moves', () => {
  const start = syntheticInventory();
  const rotation: Rotation = syntheticRotation();

  it('are cumulative: each plan is the beginning of the next', () => {
    const trust = changing(plan(start, rotation, 'trust', T0));
    const issue = changing(plan(start, rotation, 'issue', T0));
    const retire = changing(plan(start, rotation, 'retire', T0));
    expect(trust.every((id) => id.startsWith('trust.'))).toBe(true);
    expect(issue.slice(0, trust.length)).toEqual(trust);
    expect(retire.slice(0, issue.length)).toEqual(issue);
    expect(retire.length).toBeGreaterThan(issue.length);
  });

  it('give every step a way back until old is dropped', () => {
    for (const step of plan(start, rotation, 'issue', T0).steps) expect(step.inverse, step.id).toBeDefined();
    const dropping = plan(start, rotation, 'retire', T0).steps.filter((step) => !step.inverse);
    expect(dropping.length).toBeGreaterThan(0);
    expect(dropping.every((step) => step.move === 'retire')).toBe(true);
  });

  it('say by when they must be over', () => {
    const made = plan(start, rotation, 'retire', T0);
    expect(made.deadline?.at).toBe(rotation.authorities[0]?.old.notAfter);
  });
});
