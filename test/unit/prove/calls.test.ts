import { expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/client.ts';
import { callChecks } from '../../../src/prove/verify/calls.ts';
import type { VerifyContext } from '../../../src/prove/verify/check.ts';

/** One API server, one kubelet; the answers to the node proxy, one after the other. */
function worldOf(...answers: { status: number; body: string }[]): VerifyContext {
  const server = {
    request: async () => answers.shift() ?? { status: 200, body: 'ok' },
    get: async () => ({ items: [] }),
    at: () => server,
  } as unknown as Cluster;
  const instances = [
    { id: 'cp1/kube-apiserver', node: 'cp1', component: 'kube-apiserver', endpoint: '127.0.0.1:6443' },
    { id: 'w1/kubelet', node: 'w1', component: 'kubelet' },
  ];
  return { cluster: server, inventory: { instances, pods: [] } } as unknown as VerifyContext;
}
const failing = (message: string) => ({ status: 500, body: JSON.stringify({ kind: 'Status', message }) });
const cut = failing(
  'Get "https://10.0.0.4:10250/healthz": write tcp 10.0.0.1:1->10.0.0.4:10250: use of closed network connection',
);

test.each([
  ['a connection that the API server took from under it (trap 26) is asked again', [cut], true],
  ['and counts when it happens twice', [cut, cut], false],
  [
    'a certificate that is refused is not',
    [failing('tls: failed to verify certificate: x509: unknown authority')],
    false,
  ],
] as const)('a call to a kubelet: %s', async (_, answers, ok) => {
  const [seen] = await callChecks(worldOf(...answers));
  expect(seen).toMatchObject({ channel: 'cp1/kube-apiserver -> w1/kubelet', ok });
});
