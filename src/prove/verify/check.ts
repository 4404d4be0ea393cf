// One measured line of `reroot verify`.

import type { Cluster } from '../../cluster/client.ts';
import type { Dial } from '../../cluster/wire.ts';
import type { Inventory, Millis } from '../../core/model/inventory.ts';
import type { NodeAccess } from '../../nodes/access.ts';
import type { Certificate } from '../../pki/certificate.ts';

export interface Check {
  /** `serving`, `client`, `call`, `kubelet`, `published`, `pair`, `alive`, `log`. */
  kind: string;
  /** Who to whom: `cp1/kube-scheduler -> cp1/kube-apiserver`, or the one thing that was looked at. */
  channel: string;
  /** undefined: could not be measured, or is told without being judged. */
  ok: boolean | undefined;
  message: string;
}

export interface VerifyContext {
  cluster: Cluster;
  accessOf: (node: string) => NodeAccess;
  /** The way to ports in the cluster. Default: from here. */
  dial?: Dial;
  inventory: Inventory;
  certificates: ReadonlyMap<string, Certificate>;
  now: Millis;
  /** Log lines from before this are not looked at. */
  since: Millis;
}

export const check = (kind: string, channel: string, ok: boolean | undefined, message: string): Check => ({
  kind,
  channel,
  ok,
  message,
});

/** From when on logs are looked at, with the day: a rotation may have begun on another one. */
export const sinceOf = ({ since }: Pick<VerifyContext, 'since'>): string =>
  `${new Date(since).toISOString().slice(0, 19)}Z`;
