// The load's own hands on the cluster: makes and removes objects. Not one of the measured clients.

import { BadAnswer } from './failure.ts';
import { followingClient } from './following-client.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface Api {
  /** The object, or undefined when there is none. */
  get(path: string): Promise<unknown>;
  /** Makes the object in the collection at `path`; one of that name that is there already is merged with it. */
  ensure(path: string, object: KubeObject): Promise<void>;
  create(path: string, object: KubeObject): Promise<unknown>;
  patch(path: string, change: unknown): Promise<void>;
  /** Absent already is as good as removed. `grace` in seconds, for pods. */
  remove(path: string, grace?: number): Promise<void>;
  close(): void;
}

export function createApi(kubeconfig: string): Api {
  const client = followingClient(kubeconfig, { keep: true });
  const orAbsent = async <T>(act: Promise<T>): Promise<T | undefined> => {
    try {
      return await act;
    } catch (thrown) {
      if (thrown instanceof BadAnswer && thrown.status === 404) return undefined;
      throw thrown;
    }
  };
  const create = async (path: string, object: KubeObject): Promise<unknown> =>
    JSON.parse((await client.send({ method: 'POST', path, body: object })).body);
  return {
    async get(path) {
      const answer = await orAbsent(client.send({ path }));
      return answer === undefined ? undefined : JSON.parse(answer.body);
    },
    create,
    async ensure(path, object) {
      try {
        await create(path, object);
      } catch (thrown) {
        if (!(thrown instanceof BadAnswer) || thrown.status !== 409) throw thrown;
        await client.send({ method: 'PATCH', path: `${path}/${object.metadata.name}`, body: object });
      }
    },
    async patch(path, change) {
      await client.send({ method: 'PATCH', path, body: change });
    },
    async remove(path, grace) {
      const body = grace === undefined ? undefined : { gracePeriodSeconds: grace };
      await orAbsent(client.send({ method: 'DELETE', path, ...(body === undefined ? {} : { body }) }));
    },
    close: () => client.close(),
  };
}
