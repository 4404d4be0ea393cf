// The split of the signer: the controller manager gets a file of its own to sign with and one of its own to publish, so that the CA
// file may hold two certificates. A bundle in the file it signs with stops every signature (kubeadm issue 1350).

import type { Instance } from '../model/inventory.ts';
import type { FlagSet } from '../model/value.ts';

/** Where the two files lie on a control-plane node. */
export interface SplitFiles {
  /** Certificate and key in one PEM: one rename switches both (trap 8). */
  signer: string;
  /** What is published as kube-root-ca.crt. */
  rootCA: string;
}

/** Below the pki folder, since a controller manager's pod mounts that and nothing else of /etc/kubernetes. */
const FOLDER = 'reroot';

/** Flags of a controller manager with the signer split off, without dashes. */
export const splitFlags = (files: SplitFiles): Record<string, string> => ({
  'cluster-signing-cert-file': files.signer,
  'cluster-signing-key-file': files.signer,
  'root-ca-file': files.rootCA,
});

const last = (flags: Instance['flags'], name: string): string | undefined => flags[name]?.at(-1);

/** The files that flags of an earlier split name; undefined when they are not split. */
export function splitIn(flags: Instance['flags']): SplitFiles | undefined {
  const certificate = last(flags, 'cluster-signing-cert-file');
  const key = last(flags, 'cluster-signing-key-file');
  const rootCA = last(flags, 'root-ca-file');
  const clientCA = last(flags, 'client-ca-file');
  if (!certificate || certificate !== key || !rootCA || rootCA === clientCA || rootCA === certificate) return undefined;
  return { signer: certificate, rootCA };
}

export const flagSetOf = (flags: Instance['flags']): FlagSet => (splitIn(flags) ? 'split' : 'found');

/** Where the split files of a controller manager are, or will be: beside the CA file its node's API server reads. */
export function splitFilesOf(manager: Instance, apiServer: Instance | undefined): SplitFiles | undefined {
  const found = splitIn(manager.nextFlags ?? manager.flags) ?? splitIn(manager.flags);
  if (found) return found;
  const ca = (apiServer && last(apiServer.flags, 'client-ca-file')) ?? last(manager.flags, 'client-ca-file');
  if (!ca) return undefined;
  const home = `${ca.slice(0, ca.lastIndexOf('/'))}/${FOLDER}`;
  return { signer: `${home}/signer.pem`, rootCA: `${home}/root-ca.crt` };
}
