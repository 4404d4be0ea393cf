// Preconditions of the cluster: authorities asked for, versions, nodes, clocks, room, flags, and how components are restarted.

import { factsOf } from '../catalog/components.ts';
import { MANAGER, manifestOf, signs } from '../catalog/manager.ts';
import { flagSetOf } from '../catalog/split.ts';
import type { Survey } from '../catalog/survey.ts';
import type { Authority } from '../model/ids.ts';
import type { Instance } from '../model/inventory.ts';
import type { Refusal } from '../model/step.ts';
import { unsupported } from './preconditions-support.ts';

export type Precondition = (survey: Survey) => Refusal[];

/** Authorities that can be rotated so far. */
export const SUPPORTED: readonly Authority[] = ['kubernetes', 'front-proxy'];
/** Certificates are backdated by 24 h, so a clock may lag; one that is off by more breaks leases and tokens before it breaks certificates. */
export const CLOCK_LIMIT = 5 * 60_000;
/** Room for copies of everything that may be touched and for the record, with plenty to spare. */
export const LEAST_FREE_BYTES = 64 * 1024 * 1024;

const refuse = (reason: string, message: string, hint: string): Refusal => ({ reason, message, hint });

function unsupportedAuthority({ rotation }: Survey): Refusal[] {
  return rotation.authorities
    .filter((a) => !SUPPORTED.includes(a.authority))
    .map((a) =>
      refuse(
        'authority-not-supported-yet',
        `the ${a.authority} authority is not rotated by this version; its stores are seen and left alone`,
        `name the others: --authority ${SUPPORTED.join(',')}`,
      ),
    );
}

const KUBERNETES = new Set(['kube-apiserver', MANAGER, 'kube-scheduler', 'kubelet']);
const isKubernetes = (instance: Instance): boolean => KUBERNETES.has(instance.component);

/** Asked before each round as well: what nobody looks at is in no channel of the check, and its API server would go on with old. */
export function controlPlaneAway({ inventory }: Pick<Survey, 'inventory'>): Refusal[] {
  return inventory.nodes
    .filter((node) => !node.reached && !node.unsupported && node.roles.includes('control-plane'))
    .map((node) =>
      refuse(
        'control-plane-not-reached',
        `${node.name} is a control-plane node and was not reached (${node.why ?? 'no reason given'}): its API server would go on with old`,
        `make it reachable (reroot.yaml, nodes.${node.name}), or remove it from the cluster; it cannot be waived`,
      ),
    );
}

function clockOff({ inventory }: Survey): Refusal[] {
  return inventory.nodes.flatMap((node) => {
    const off = node.clockOffset ?? 0;
    if (Math.abs(off) <= CLOCK_LIMIT) return [];
    const seconds = Math.round(Math.abs(off) / 1000);
    const message = `the clock of ${node.name} is ${seconds} s ${off > 0 ? 'ahead' : 'behind'}: it may take fresh certificates for not yet valid, and its times cannot be compared`;
    return [
      refuse(
        'clock-off',
        message,
        `set its clock (chronyc makestep, timedatectl set-ntp true), at most ${CLOCK_LIMIT / 1000} s off`,
      ),
    ];
  });
}

function noRoom({ inventory }: Survey): Refusal[] {
  return inventory.nodes
    .filter((node) => node.freeBytes !== undefined && node.freeBytes < LEAST_FREE_BYTES)
    .map((node) =>
      refuse(
        'disk-full',
        `${node.name} has ${Math.floor((node.freeBytes ?? 0) / 1024 / 1024)} MiB free where the certificates lie; ${LEAST_FREE_BYTES / 1024 / 1024} are wanted for the backup and whole writes`,
        `make room on ${node.name}`,
      ),
    );
}

/** A manifest that says other certificate files than the running process uses: the next restart would do more than a rotation. */
function flagsNotSettled(survey: Survey): Refusal[] {
  return survey.inventory.instances.flatMap((instance) => {
    if (!isKubernetes(instance) || !instance.nextFlags) return [];
    // The split of the signer is a difference of ours, made and not yet restarted into.
    const ours = flagSetOf(instance.nextFlags) === 'split' && flagSetOf(instance.flags) === 'found';
    const differing = survey.files(instance).filter((file) => file.when === 'next' && file.fact !== undefined);
    const foreign = differing.filter((file) => !ours || (file.use !== 'signer' && file.use !== 'root-ca'));
    const [first] = foreign;
    const named = first ? `${first.use}: ${first.path}` : otherConfiguration(instance);
    if (!named) return [];
    return [
      refuse(
        'flags-not-settled',
        `${instance.id} runs with other files than its manifest names (${named}): a restart would change more than this rotation`,
        'restart it first, or put the manifest back',
      ),
    ];
  });
}

/** What a configuration file says was read for the running process alone. */
function otherConfiguration({ component, flags, nextFlags }: Instance): string | undefined {
  const flag = factsOf(component).configuration?.flag ?? '';
  const next = nextFlags?.[flag]?.at(-1);
  return next === flags[flag]?.at(-1) ? undefined : `--${flag}: ${next ?? 'none'}`;
}

function perSignerFlags(survey: Survey): Refusal[] {
  return survey.instances(MANAGER).flatMap((manager) => {
    const flag = Object.keys(manager.flags).find((name) => /^cluster-signing-.+-cert-file$/.test(name));
    if (!flag) return [];
    return [
      refuse(
        'per-signer-flags',
        `${manager.id} signs with a file of its own per signer (--${flag}): the split knows the general pair only`,
        'use --cluster-signing-cert-file and --cluster-signing-key-file, or rotate these files by hand',
      ),
    ];
  });
}

/** The controller manager's flags must be changed once, and it and the scheduler restarted. */
function cannotRestart(survey: Survey): Refusal[] {
  const managers = survey.instances(MANAGER).flatMap((manager) => {
    if (!signs(manager) || flagSetOf(manager.flags) === 'split' || manifestOf(manager)) return [];
    return [
      refuse(
        'manager-flags-not-editable',
        `reroot does not know where the flags of ${manager.id} are kept, and its signer must get a file of its own`,
        `set --cluster-signing-cert-file and --cluster-signing-key-file to one combined PEM and --root-ca-file to a copy of the CA yourself, or name its manifest in reroot.yaml`,
      ),
    ];
  });
  const restarted = [
    ...survey.instances(MANAGER),
    ...survey.instances('kube-scheduler'),
    ...survey.instances('kubelet'),
  ];
  const unknown = restarted
    .filter((one) => one.management.by === 'unknown' && !survey.isWaived(one.id))
    .map((one) =>
      refuse(
        'component-not-restartable',
        `reroot does not know how ${one.id} is restarted, and it reads its certificates only at its start`,
        `say it in reroot.yaml: nodes.${one.node}.components.${one.component}.restart`,
      ),
    );
  return [...managers, ...unknown];
}

export const clusterChecks: readonly Precondition[] = [
  unsupportedAuthority,
  ({ inventory }) => unsupported(inventory),
  controlPlaneAway,
  clockOff,
  noRoom,
  flagsNotSettled,
  perSignerFlags,
  cannotRestart,
];
