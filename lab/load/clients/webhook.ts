// Requests that make API servers call a webhook: creates that a validating webhook has to allow (failurePolicy Fail), and reads of a
// custom resource in a version that it is not stored in, which the conversion webhook has to make.

import { convertedKind } from '../converted-kind.ts';
import { followingClient } from '../following-client.ts';
import { NAMESPACE, WEBHOOK_NAMESPACE } from '../objects.ts';
import { startPace } from '../pace.ts';
import { MOST_UNDER_WAY, type StartClient } from './world.ts';

const VALIDATED = `/api/v1/namespaces/${WEBHOOK_NAMESPACE}/configmaps`;
const NAME = 'converted';

export const startWebhook: StartClient = async ({ lab, rate, run, api, recorder }) => {
  const { group, kind: custom, plural, stored, other } = await convertedKind(api);
  const collection = (version: string): string => `/apis/${group}/${version}/namespaces/${NAMESPACE}/${plural}`;
  if ((await api.get(`${collection(stored)}/${NAME}`)) === undefined) {
    await api.create(collection(stored), { apiVersion: `${group}/${stored}`, kind: custom, metadata: { name: NAME } });
  }
  const client = followingClient(lab.kubeconfig, { keep: false });
  const kind = 'webhook';
  let turn = 0;

  // A turn is a read or a create; what was made is removed in the turn as well.
  const pace = startPace(rate, MOST_UNDER_WAY, async () => {
    turn += 1;
    if (turn % 2 === 0) {
      await recorder.attempt({ kind, target: 'convert' }, () => client.send({ path: `${collection(other)}/${NAME}` }));
      return;
    }
    const metadata = { name: `v-${run}-${turn}` };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
    const made = await recorder.attempt({ kind, target: 'validate' }, () =>
      client.send({ method: 'POST', path: VALIDATED, body }),
    );
    if (!made) return;
    await recorder.attempt({ kind, target: 'delete' }, () =>
      client.send({ method: 'DELETE', path: `${VALIDATED}/${metadata.name}` }),
    );
  });
  return { stop: () => pace.stop() };
};
