// A kubeadm cluster as a topology, written by hand from the components' documentation and sources, not by the catalogue: 3 control
// planes, 2 workers, two kinds of pods, a webhook with a certificate from the CSR API, an aggregated API server, a user, a node that joins.

import type { Topology } from '../../src/core/model/topology.ts';
import { collector } from './collector.ts';
import { extensionServer, joiner, kubeadmItself, objects, pods, user, webhook } from './kubeadm-around.ts';
import { apiServer, controllerManager, etcd, kubelet, leader, scheduler } from './kubeadm-nodes.ts';
import { names, type Shape } from './names.ts';

export function kubeadm(shape: Shape = {}): Topology {
  const c = collector();
  const n = names(shape);
  for (const cp of n.cps) {
    apiServer(c, n, cp);
    etcd(c, n, cp);
    controllerManager(c, n, cp);
    scheduler(c, n, cp);
  }
  for (const node of n.nodes) kubelet(c, n, node);
  leader(c, n);
  objects(c, n);
  pods(c, n);
  webhook(c, n);
  extensionServer(c, n);
  user(c, n);
  joiner(c, n);
  kubeadmItself(c, n);
  return {
    stores: c.stores,
    uses: c.uses,
    flows: c.flows,
    edges: c.edges,
    initial: c.initial,
    actors: ['join', 'own-rotation'],
  };
}
