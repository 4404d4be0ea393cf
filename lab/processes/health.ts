// Whether each component of a lab answers.

import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, RerootError } from '../../src/errors.ts';
import { isAlive } from '../proc.ts';
import { BALANCER, componentsOf, type Place, PORTS } from './layout.ts';

export interface ComponentHealth {
  /** NODE/COMPONENT */
  id: string;
  node: string;
  component: string;
  pid?: number;
  up: boolean;
  endpoint: string;
}

const ENDPOINTS: Record<string, (address: string) => string> = {
  etcd: (address) => `http://${address}:${PORTS.etcdMetrics}/readyz`,
  'kube-apiserver': (address) => `https://${address}:${PORTS.apiServer}/readyz`,
  'kube-controller-manager': (address) => `https://${address}:${PORTS.controllerManager}/healthz`,
  'kube-scheduler': (address) => `https://${address}:${PORTS.scheduler}/readyz`,
  kubelet: (address) => `http://${address}:${PORTS.kubeletHealth}/healthz`,
  webhook: (address) => `https://${address}:${PORTS.webhook}/healthz`,
  'sample-apiserver': (address) => `https://${address}:${PORTS.sample}/readyz`,
  [BALANCER]: (address) => `https://${address}:${PORTS.apiServer}/readyz`,
};

export type Which = (id: { node: string; component: string }) => boolean;

/** Asks all components, or those that `which` picks. */
export const healthOf = (place: Place, which: Which = () => true): Promise<ComponentHealth[]> =>
  Promise.all(
    componentsOf(place)
      .filter(({ node, component }) => which({ node: node.name, component }))
      .map(async ({ node, component }) => {
        const endpoint = ENDPOINTS[component]?.(node.address) ?? '';
        const pid = pidOf(place, node.name, component);
        const up = pid !== undefined && (await answers(endpoint));
        return { id: `${node.name}/${component}`, node: node.name, component, ...(pid ? { pid } : {}), up, endpoint };
      }),
  );

export const isUp = (components: readonly ComponentHealth[]): boolean => components.every(({ up }) => up);

/** Waits until all components that `which` picks answer. Throws naming those that do not, with the file that says why. */
export async function awaitHealth(place: Place, which: Which, timeout: number): Promise<void> {
  const until = Date.now() + timeout;
  for (;;) {
    const missing = (await healthOf(place, which)).filter(({ up }) => !up);
    if (missing.length === 0) return;
    if (Date.now() > until) {
      throw new RerootError(
        EXIT.failedSafe,
        `not up after ${timeout / 1000} s: ${missing.map(({ id }) => id).join(', ')}`,
        {
          hints: missing.slice(0, 3).map(({ node, component }) => `tail ${place.log(node, component)}`),
        },
      );
    }
    await pause(100);
  }
}

function pidOf(place: Place, node: string, component: string): number | undefined {
  try {
    const pid = Number(readFileSync(place.pid(node, component), 'utf8'));
    return isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** 200 within two seconds. Certificates are not verified: in the middle of a rotation this must not depend on them. */
export function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: 2_000, rejectUnauthorized: false } as const;
    const ask = url.startsWith('https')
      ? tlsRequest(url, options)
      : plainRequest(url, { timeout: 2_000, agent: false });
    ask.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ask.on('timeout', () => ask.destroy(new Error('no answer in time')));
    ask.on('error', () => resolve(false));
    ask.end();
  });
}
