// Leaders after all instances were stopped at once.

import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/cluster/client.ts';
import { blankHolder, leaseHolder } from '../../src/cluster/leader.ts';
import { failedSafe } from '../../src/errors.ts';
import { awaitHealth } from './health.ts';
import { BALANCER, type Place } from './layout.ts';

const ELECTED = ['kube-controller-manager', 'kube-scheduler'];
const PATIENCE_MS = 60_000;

/**
 * Waits for leaders that were elected after `stoppedAt`. A Lease that names an instance of before is freed: that process is gone, and the
 * Lease would take 15 seconds to run out.
 */
export async function awaitNewLeaders(place: Place, stoppedAt: number): Promise<void> {
  await awaitHealth(place, ({ component }) => ['kube-apiserver', BALANCER].includes(component), PATIENCE_MS);
  const cluster = connect({ kubeconfig: place.kubeconfig });
  try {
    await Promise.all(
      ELECTED.map(async (component) => {
        const until = Date.now() + PATIENCE_MS;
        for (;;) {
          const holder = await leaseHolder(cluster, component);
          if (holder && holder.renewedAt > stoppedAt) return;
          if (holder) await blankHolder(cluster, component, holder.identity);
          if (Date.now() > until) throw failedSafe(`no ${component} leads after ${PATIENCE_MS / 1000} s`);
          await pause(100);
        }
      }),
    );
  } finally {
    await cluster.close();
  }
}
