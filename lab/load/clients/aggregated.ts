// Calls to the aggregated API server, through API servers as front proxies: a read each turn, a create and a delete now and then.

import { z } from 'zod';
import { failedSafe } from '../../../src/errors.ts';
import { followingClient } from '../following-client.ts';
import { NAMESPACE } from '../objects.ts';
import { startPace } from '../pace.ts';
import { waitFor } from '../wait.ts';
import { MOST_UNDER_WAY, type StartClient } from './world.ts';

const API_SERVICE = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.wardle.example.com';
const GROUP_VERSION = 'wardle.example.com/v1alpha1';
const FLUNDERS = `/apis/${GROUP_VERSION}/namespaces/${NAMESPACE}/flunders`;
/** One turn in so many makes a flunder and removes it. */
const WRITE_EVERY = 20;

const apiService = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() })).optional(),
  }),
});

export const startAggregated: StartClient = async ({ lab, rate, run, api, recorder }) => {
  const found = await api.get(API_SERVICE);
  if (found === undefined) {
    throw failedSafe(
      `lab ${lab.name} has no aggregated API server`,
      undefined,
      'leave client kind "aggregated" out with --clients',
    );
  }
  await waitFor('the aggregated API server available', 60_000, async () => {
    const available = apiService
      .parse(await api.get(API_SERVICE))
      .status.conditions?.find((one) => one.type === 'Available');
    if (available?.status !== 'True') throw new Error(available?.message ?? 'no condition yet');
    return true;
  });
  const client = followingClient(lab.kubeconfig, { keep: false });
  const kind = 'aggregated';
  let turn = 0;

  const pace = startPace(rate, MOST_UNDER_WAY, async () => {
    turn += 1;
    if (turn % WRITE_EVERY !== 0) {
      await recorder.attempt({ kind, target: 'list' }, () => client.send({ path: FLUNDERS }));
      return;
    }
    const metadata = { name: `f-${run}-${turn}` };
    const body = { apiVersion: GROUP_VERSION, kind: 'Flunder', metadata };
    const made = await recorder.attempt({ kind, target: 'create' }, () =>
      client.send({ method: 'POST', path: FLUNDERS, body }),
    );
    if (!made) return;
    await recorder.attempt({ kind, target: 'delete' }, () =>
      client.send({ method: 'DELETE', path: `${FLUNDERS}/${metadata.name}` }),
    );
  });
  return { stop: () => pace.stop() };
};
