import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/cluster/client.ts';
import type { Csr } from '../../../src/cluster/csr.ts';
import { replaceClient, type Source } from '../../../src/kubeconfig/edit.ts';
import { requestClient } from '../../../src/kubeconfig/request.ts';
import { parseCSR } from '../../../src/pki/csr.ts';
import { matches } from '../../../src/pki/keys.ts';
import { clientKey, clientOf, kubeconfig, newCA, oldCA } from './material.ts';

const source = (client?: string): Source => ({
  text: kubeconfig(client ? { client } : {}),
  what: 'ann.conf',
  choice: {},
});

/** Signs what was approved, as the controller manager does, and remembers what it was asked. */
function signer(): { cluster: Cluster; asked: Csr[]; removed: string[]; approved: unknown[] } {
  const asked: Csr[] = [];
  const removed: string[] = [];
  const approved: unknown[] = [];
  const cluster = {
    create: async (_path: string, object: Csr) => {
      asked.push({ ...object, metadata: { ...object.metadata, resourceVersion: '1' } });
      return object;
    },
    get: async () => asked.at(-1),
    patch: async (_path: string, change: { path: string; value: Csr['status'] }[]) => {
      approved.push(change);
      const csr = asked.at(-1)!;
      const request = parseCSR(Buffer.from(csr.spec.request, 'base64').toString(), 'the request');
      const certificate = matches({ publicKey: request.publicKey }, clientKey) ? clientOf(newCA, clientKey).pem : '';
      csr.status = { ...change[1]?.value, certificate: Buffer.from(certificate).toString('base64') };
    },
    remove: async (path: string) => void removed.push(path),
  };
  return { cluster: cluster as unknown as Cluster, asked, removed, approved };
}

describe('a client certificate from the cluster', () => {
  it('is asked for with the same name and key, approved, taken up, and the request removed', async () => {
    const { cluster, asked, removed } = signer();

    const pem = await requestClient(source(), cluster);

    const { after, text } = replaceClient(source(), pem);
    expect(after.issuer).toBe('CN=kubernetes-2026');
    expect(matches(after, clientKey)).toBe(true);
    expect(text).toContain('# until next year');
    expect(asked[0]?.spec).toMatchObject({
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['digital signature', 'client auth'],
    });
    const request = parseCSR(Buffer.from(asked[0]?.spec.request ?? '', 'base64').toString(), 'the request');
    expect(request).toMatchObject({ commonName: 'ann', organizations: ['developers'] });
    expect(removed[0]).toContain(asked[0]?.metadata.name);
  });

  it('is not asked for where the API server would refuse, and the way on is told', async () => {
    const { cluster, asked } = signer();
    const admin = clientOf(oldCA, clientKey, ['system:masters']).pem;

    await expect(requestClient(source(admin), cluster)).rejects.toMatchObject({
      exitCode: 2,
      hints: [expect.stringContaining('--ca-key')],
    });
    expect(asked).toEqual([]);
  });

  it('leaves no request behind when it may not approve', async () => {
    const { cluster, removed } = signer();
    const forbidden = { ...cluster, patch: () => Promise.reject(new Error('403 Forbidden')) } as Cluster;

    await expect(requestClient(source(), forbidden)).rejects.toThrow('403');
    expect(removed).toHaveLength(1);
  });
});
