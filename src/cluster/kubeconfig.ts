import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { reasonOf, wrongUse } from '../errors.ts';
import { type ClusterFields, type ContextFields, parseFile, type UserFields } from './kubeconfig-shape.ts';

/** What a client needs of a kubeconfig, files read in. */
export interface Credentials {
  /** Base URL, without a slash at the end. */
  server: string;
  context: string;
  user: string;
  ca?: string;
  /** Name to verify the server by, and to send as SNI, instead of the URL's host. */
  serverName?: string;
  insecure: boolean;
  cert?: string;
  key?: string;
  token?: string;
  /** Every file that was read: when one changes, the credentials may have. */
  files: string[];
}

export interface KubeconfigChoice {
  /** A path; default $KUBECONFIG (a list, earlier files first), then ~/.kube/config. */
  kubeconfig?: string;
  context?: string;
}

type Entry<T> = T & { file: string };
interface Merged {
  files: string[];
  current: string;
  clusters: Map<string, Entry<ClusterFields>>;
  users: Map<string, Entry<UserFields>>;
  contexts: Map<string, ContextFields>;
}

/** The files that would be read, in order; those of $KUBECONFIG that do not exist are left out, as kubectl does. */
export function kubeconfigFiles(
  choice: KubeconfigChoice,
  env: NodeJS.ProcessEnv = process.env,
  home: () => string = homedir,
): string[] {
  if (choice.kubeconfig !== undefined) return [resolve(choice.kubeconfig)];
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length === 1) return listed.map((path) => resolve(path));
  const usual = listed.length > 0 ? undefined : inHome(env, home);
  const found = (usual === undefined ? listed : [usual]).filter((path) => existsSync(path));
  if (found.length > 0) return found.map((path) => resolve(path));
  const none = usual === undefined ? 'this user has no home folder' : '~/.kube/config does not exist';
  throw wrongUse(
    listed.length > 0
      ? 'none of the files in $KUBECONFIG exists'
      : `there is no kubeconfig: neither --kubeconfig nor $KUBECONFIG is set, and ${none}`,
    'name one: --kubeconfig /etc/kubernetes/admin.conf',
  );
}

/** undefined for a uid that has no home: $HOME is not set, and no entry in the passwd file says it. */
function inHome(env: NodeJS.ProcessEnv, home: () => string): string | undefined {
  try {
    return join(env.HOME ?? home(), '.kube', 'config');
  } catch {
    return undefined;
  }
}

/** Reads the kubeconfig as kubectl does (client-go tools/clientcmd/loader.go: the first file that names a thing wins). Throws wrongUse. */
export function loadCredentials(choice: KubeconfigChoice, env?: NodeJS.ProcessEnv): Credentials {
  const merged = merge(kubeconfigFiles(choice, env));
  const where = merged.files.join(', ');
  const context = choice.context ?? merged.current;
  if (context === '') throw wrongUse(`${where}: no current-context is set`, contextsHint(merged));
  const chosen = merged.contexts.get(context);
  if (!chosen) throw wrongUse(`${where}: there is no context ${context}`, contextsHint(merged));
  const cluster = merged.clusters.get(chosen.cluster);
  if (!cluster) throw wrongUse(`${where}: context ${context} names the cluster ${chosen.cluster}, which is not there`);
  const user = chosen.user === '' ? undefined : merged.users.get(chosen.user);
  if (!user && chosen.user !== '')
    throw wrongUse(`${where}: context ${context} names the user ${chosen.user}, which is not there`);

  const files = [...merged.files];
  const read = fileReader(files);
  return {
    ...serverOf(cluster, chosen.cluster, read),
    ...(user ? identityOf(user, chosen.user, read) : {}),
    context,
    user: chosen.user,
    files,
  };
}

const contextsHint = (merged: Merged): string =>
  merged.contexts.size === 0
    ? 'is this a kubeconfig? It has no contexts'
    : `choose one with --context: ${[...merged.contexts.keys()].join(', ')}`;

function merge(files: string[]): Merged {
  const merged: Merged = { files, current: '', clusters: new Map(), users: new Map(), contexts: new Map() };
  for (const file of files) {
    const parsed = parseFile(file);
    merged.current ||= parsed['current-context'] ?? '';
    for (const { name, cluster } of parsed.clusters) if (cluster) addOnce(merged.clusters, name, { ...cluster, file });
    for (const { name, user } of parsed.users) if (user) addOnce(merged.users, name, { ...user, file });
    for (const { name, context } of parsed.contexts) if (context) addOnce(merged.contexts, name, context);
  }
  return merged;
}

function addOnce<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}

type Reader = (entry: { file: string }, path: string, what: string) => string;

/** Paths in a kubeconfig are relative to the file that names them. */
function fileReader(files: string[]): Reader {
  return (entry, path, what) => {
    const full = resolve(dirname(entry.file), path);
    files.push(full);
    try {
      return readFileSync(full, 'utf8');
    } catch (thrown) {
      throw wrongUse(`cannot read ${what}, which ${entry.file} names: ${reasonOf(thrown)}`);
    }
  };
}

function serverOf(
  cluster: Entry<ClusterFields>,
  label: string,
  read: Reader,
): Pick<Credentials, 'server' | 'ca' | 'insecure' | 'serverName'> {
  const { file } = cluster;
  let url: URL;
  try {
    url = new URL(cluster.server ?? '');
  } catch {
    throw wrongUse(`${file}: the server of cluster ${label} is not a URL: ${JSON.stringify(cluster.server ?? '')}`);
  }
  if (url.protocol !== 'https:')
    throw wrongUse(`${file}: the server of cluster ${label} is not https: ${cluster.server}`);
  if (cluster['proxy-url'])
    throw wrongUse(
      `${file}: cluster ${label} goes through a proxy (proxy-url), which reroot cannot do`,
      'run reroot where the API server can be reached directly',
    );
  const ca = pemOf(cluster, 'certificate-authority', `the CA of cluster ${label}`, read);
  if (ca !== undefined) assertCertificate(ca, `${file}: the CA of cluster ${label}`);
  return {
    server: url.href.replace(/\/+$/, ''),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(cluster['tls-server-name'] ? { serverName: cluster['tls-server-name'] } : {}),
  };
}

function identityOf(user: Entry<UserFields>, label: string, read: Reader): Pick<Credentials, 'cert' | 'key' | 'token'> {
  const { file } = user;
  const refused = (['exec', 'auth-provider', 'username', 'as'] as const).find(
    (key) => user[key] !== undefined && user[key] !== null,
  );
  if (refused)
    throw wrongUse(
      `${file}: user ${label} logs in by ${refused}, which reroot does not do`,
      'use a client certificate or a token: /etc/kubernetes/admin.conf of a control-plane node has one',
    );
  const token =
    user.token || (user.tokenFile ? read(user, user.tokenFile, `the token of user ${label}`).trim() : undefined);
  const cert = pemOf(user, 'client-certificate', `the certificate of user ${label}`, read);
  const key = pemOf(user, 'client-key', `the key of user ${label}`, read);
  if ((cert === undefined) !== (key === undefined))
    throw wrongUse(
      `${file}: user ${label} has a client ${cert ? 'certificate without its key' : 'key without its certificate'}`,
    );
  if (cert !== undefined && key !== undefined) assertPair(cert, key, `${file}: user ${label}`);
  return { ...(token ? { token } : {}), ...(cert !== undefined && key !== undefined ? { cert, key } : {}) };
}

/** `X-data` goes before `X`, as in client-go (clientcmd/client_config.go). */
function pemOf<K extends 'certificate-authority' | 'client-certificate' | 'client-key'>(
  entry: { file: string } & { [key in K | `${K}-data`]?: string | undefined },
  key: K,
  what: string,
  read: Reader,
): string | undefined {
  const embedded = entry[`${key}-data`];
  if (embedded) {
    if (!/^[A-Za-z0-9+/\s]+=*\s*$/.test(embedded)) throw wrongUse(`${entry.file}: ${what} is not base64 (${key}-data)`);
    return Buffer.from(embedded, 'base64').toString('utf8');
  }
  const path = entry[key];
  return path ? read(entry, path, what) : undefined;
}

function assertCertificate(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw wrongUse(`${what} is not a certificate in PEM`);
  }
}

function assertPair(cert: string, key: string, what: string): void {
  const certificate = assertCertificate(cert, `${what}: the client certificate`);
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw wrongUse(`${what}: the client key is not a private key in PEM`);
  }
  if (!matches) throw wrongUse(`${what}: the client certificate and its key do not belong together`);
}
