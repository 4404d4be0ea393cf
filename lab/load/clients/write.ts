// Writes: ConfigMaps made, changed and removed, one operation at a time. Each is numbered, so that the watch can tell what it missed.

import { followingClient } from '../following-client.ts';
import type { Ask } from '../https-client.ts';
import { opOf, type Stage } from '../ledger.ts';
import { NAMESPACE, RUN_LABEL } from '../objects.ts';
import { startPace } from '../pace.ts';
import type { StartClient } from './world.ts';

export const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

/** The name of the n-th object, and back. */
export const nameOf = (run: string, object: number): string => `n-${run}-${object}`;
export const objectOf = (name: string): number => Number(name.slice(name.lastIndexOf('-') + 1));

export const startWrite: StartClient = async ({ lab, rate, run, recorder, ledger }) => {
  const client = followingClient(lab.kubeconfig, { keep: false });
  let object = 0;
  let stage: Stage = 'ADDED';

  const pace = startPace(rate, 1, async () => {
    const op = opOf(object, stage);
    const answer = await recorder.attempt({ kind: 'write', target: VERB[stage] }, () =>
      client.send(askFor(object, stage)),
    );
    if (answer) ledger.confirmed(op, Date.now());
    // An object that may not be there is left alone: the numbers go on with the next one.
    const isOver = stage === 'DELETED' || (stage === 'ADDED' && !answer);
    if (isOver) object += 1;
    stage = isOver ? 'ADDED' : stage === 'ADDED' ? 'MODIFIED' : 'DELETED';
  });
  return { stop: () => pace.stop() };

  function askFor(nth: number, what: Stage): Ask {
    const name = nameOf(run, nth);
    switch (what) {
      case 'ADDED':
        return { method: 'POST', path: CONFIG_MAPS, body: configMap(name) };
      case 'MODIFIED':
        return { method: 'PATCH', path: `${CONFIG_MAPS}/${name}`, body: { data: { changed: 'yes' } } };
      case 'DELETED':
        return { method: 'DELETE', path: `${CONFIG_MAPS}/${name}` };
    }
  }

  function configMap(name: string): object {
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { [RUN_LABEL]: run } },
      data: { changed: 'no' },
    };
  }
};

const VERB: Record<Stage, string> = { ADDED: 'create', MODIFIED: 'patch', DELETED: 'delete' };
