// A node that is a folder, an API server in memory, two generations with real certificates: what a proof looks at.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from '../../../src/cluster/client.ts';
import { parseConfig } from '../../../src/config/config.ts';
import type { Instance, Inventory, Pod, Store } from '../../../src/core/model/inventory.ts';
import type { AuthorityRotation, Rotation } from '../../../src/core/model/rotation.ts';
import type { Proof } from '../../../src/core/model/step.ts';
import { localAccess } from '../../../src/nodes/local.ts';
import { type Certificate, facts } from '../../../src/pki/certificate.ts';
import type { Observation, ProbeContext, ProbeIdentity } from '../../../src/prove/context.ts';
import { prove } from '../../../src/prove/prove.ts';
import { startApi, type TestApi } from '../cluster/api-server.ts';
import { ca, clientLeaf } from '../cluster/material.ts';

export const OLD = ca('kubernetes');
export const NEW = ca('kubernetes-2026');
const CAS = [OLD.certificate, NEW.certificate];
export const factsOf = (...certificates: Certificate[]) => certificates.map((certificate) => facts(certificate, CAS));

const authority: AuthorityRotation = {
  authority: 'kubernetes',
  old: facts(OLD.certificate, CAS),
  new: facts(NEW.certificate, CAS),
  route: 'bridge',
  because: '',
  bridges: {},
};
export const rotation: Rotation = {
  id: 'r1',
  authorities: [authority],
  restart: 'none',
  waivers: [],
  newKeys: false,
  compromised: false,
  maxUnavailable: '1',
};

const identity = (by: typeof OLD): ProbeIdentity => {
  const { certificate, key } = clientLeaf(by, 'reroot-probe');
  return { certificate, key };
};
export const IDENTITIES = { old: identity(OLD), new: identity(NEW) };

export interface World {
  api: TestApi;
  ctx: ProbeContext;
  inventory: Inventory;
  path(name: string): string;
  /** Writes a file, optionally as if changed then. */
  put(name: string, text: string, changedAt?: number): string;
  store(name: string, kind: Store['kind'], certificates: Certificate[], more?: Partial<Store>): Store;
  add(instance: Partial<Instance> & Pick<Instance, 'component'>, ...stores: Store[]): Instance;
  addPod(pod: Partial<Pod> & Pick<Pod, 'name'>): Pod;
  /** A process that shows this name and these flags; gives its start by the clock. */
  start(name: string, flags: Record<string, string>): Promise<ChildProcess>;
  look(proof: Omit<Proof, 'authority'>): Promise<Observation[]>;
  close(): Promise<void>;
}

export async function world(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'reroot-prove-'));
  const path = (name: string): string => join(folder, name);
  const put = (name: string, text: string, changedAt?: number): string => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text, { mode: 0o600 });
    if (changedAt !== undefined) utimesSync(path(name), changedAt / 1000, changedAt / 1000);
    return path(name);
  };
  const api = await startApi();
  api.objects.set('/version', { gitVersion: 'v1.36.3' } as never);
  const cluster = connect({ kubeconfig: put('kubeconfig', api.kubeconfig) });
  const children: ChildProcess[] = [];
  const inventory: Inventory = {
    takenAt: Date.now(),
    cluster: { server: api.url, version: '1.36.3' },
    nodes: [{ name: 'n1', roles: ['control-plane'], reached: true, clockOffset: 0 }],
    authorities: [{ authority: 'kubernetes', anchors: [authority.old], keys: [] }],
    instances: [],
    stores: [],
    pods: [],
    namespaces: [],
    callees: [],
    findings: [],
  };
  const paths = `paths: [${folder}]`;
  const config = parseConfig(
    `{access: exec, exec: unused, nodes: {n1: {components: {kubelet: {${paths}}, kube-apiserver: {${paths}}, kube-scheduler: {${paths}}, kube-controller-manager: {${paths}}}}}}`,
    'reroot.yaml',
  );
  const ctx: ProbeContext = {
    cluster,
    config,
    accessOf: (node) => localAccess(node),
    rotation,
    inventory,
    cas: CAS,
    identity: (_, generation) => IDENTITIES[generation],
    now: () => Date.now(),
  };
  return {
    api,
    ctx,
    inventory,
    path,
    put,
    store: (name, kind, certificates, more = {}) => ({
      id: `file/n1:${path(name)}${kind === 'kubeconfig-ca' ? '#ca' : kind === 'kubeconfig-client' ? '#client' : ''}`,
      kind,
      node: 'n1',
      path: path(name),
      certs: factsOf(...certificates),
      ...more,
    }),
    add(instance, ...stores) {
      const made: Instance = {
        id: `n1/${instance.component}`,
        node: 'n1',
        version: '1.36.3',
        flags: {},
        settings: {},
        management: { by: 'command', command: 'x' },
        ...instance,
      };
      inventory.instances.push(made);
      inventory.stores.push(...stores);
      return made;
    },
    addPod(pod) {
      const made: Pod = {
        id: `pod/app/${pod.name}`,
        namespace: 'app',
        node: 'n1',
        startedAt: 0,
        rootCA: 'projected',
        hostPaths: [],
        ...pod,
      };
      inventory.pods.push(made);
      return made;
    },
    async start(name, flags) {
      const script = put('idle.cjs', 'setInterval(() => {}, 1e6);');
      const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      const child = spawn(process.execPath, [script, ...words], { argv0: name, stdio: 'ignore' });
      children.push(child);
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      return child;
    },
    look: (proof) => prove({ ...proof, authority: 'kubernetes' }, ctx),
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await cluster.close();
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
