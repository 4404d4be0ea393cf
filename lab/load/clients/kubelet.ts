// Logs of a pod on each node, fetched by each API server from that node's kubelet over the connection it keeps to it. Every pair of
// API server and kubelet is a target of its own: the certificate an API server presents to a kubelet belongs to their connection.

import { followingClient } from '../following-client.ts';
import { CONTAINER, logPod, NAMESPACE } from '../objects.ts';
import { startPace } from '../pace.ts';
import type { ProcessWorld, StartClient } from './world.ts';

export const startKubelet: StartClient<ProcessWorld> = async ({ lab, rate, nodes, recorder }) => {
  const pairs = lab.apiServers.flatMap(({ node: from, url: server }) =>
    nodes.map((to) => ({
      target: `${from}>${to}`,
      path: logOf(to),
      client: followingClient(lab.kubeconfig, { keep: true, server }),
    })),
  );
  // One pace for each pair: a kubelet that hangs must not slow the others down. Together they make the rate of the kind.
  const paces = pairs.map(({ target, path, client }) =>
    startPace(rate / pairs.length, 1, async () => {
      await recorder.attempt({ kind: 'kubelet', target }, () => client.send({ path }));
    }),
  );
  return {
    async stop() {
      await Promise.all(paces.map((pace) => pace.stop()));
      for (const { client } of pairs) client.close();
    },
  };
};

const logOf = (node: string): string =>
  `/api/v1/namespaces/${NAMESPACE}/pods/${logPod(node).metadata.name}/log?container=${CONTAINER}&tailLines=1`;
