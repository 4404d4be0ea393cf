import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointsOf, nodesOf } from '../../../lab/processes/layout.ts';
import { chooseNetwork, networkFor } from '../../../lab/processes/network.ts';

describe('the addresses of a lab', () => {
  it('follow from its name, and are loopback ones away from those in common use', () => {
    expect(networkFor('one')).toBe(networkFor('one'));
    fc.assert(
      fc.property(fc.string(), fc.nat(100), (name, attempt) => {
        const [first, second, third, rest] = networkFor(name, attempt).split('.').map(Number);
        expect([first, rest]).toEqual([127, undefined]);
        expect(second).toBeGreaterThanOrEqual(16);
        expect(second).toBeLessThan(255);
        expect(third).toBeLessThan(256);
      }),
    );
  });

  it('are cpN .N, the worker .20, the load balancer .10', () => {
    const { nodes, loadBalancer } = nodesOf('127.83.201', 3);
    expect(nodes.map(({ name, address }) => `${name} ${address}`)).toEqual([
      'cp1 127.83.201.1',
      'cp2 127.83.201.2',
      'cp3 127.83.201.3',
      'w1 127.83.201.20',
    ]);
    expect(loadBalancer).toBe('127.83.201.10');
  });

  it('name every endpoint once', () => {
    const all = endpointsOf('127.83.201', 3).map(({ host, port }) => `${host}:${port}`);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toContain('127.83.201.3:6443');
    expect(all).toContain('127.83.201.10:6443');
    expect(all).toContain('127.83.201.20:9443');
  });

  it('give way to whoever listens there already, and are refused when they were asked for', async () => {
    const name = `taken-${process.pid}`;
    const first = networkFor(name);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(6443, `${first}.10`, resolve));
    try {
      const chosen = await chooseNetwork({ name, controlPlanes: 1 });
      expect(chosen).not.toBe(first);
      await expect(chooseNetwork({ name, controlPlanes: 1, network: first })).rejects.toThrow(`${first}.10:6443`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await chooseNetwork({ name, controlPlanes: 1 })).toBe(first);
  });

  it.each(['10.0.0', '127.1', '127.1.2.3', '127.1.256', '127.1.x'])('cannot be %s', async (network) => {
    await expect(chooseNetwork({ name: 'x', controlPlanes: 1, network })).rejects.toThrow('no network for a lab');
  });
});
