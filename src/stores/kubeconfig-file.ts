import { type Document, isMap, isSeq } from 'yaml';
import { applyEdits, cannotEdit, type Edit, parseYaml, rawNode, replaceValue } from './splice.ts';

/** Material as a kubeconfig has it: embedded (PEM) or the path of a file, as written. */
export interface Embedded {
  pem?: string;
  path?: string;
}

/** What one context of a kubeconfig says. Nothing is verified: a kubeconfig of any origin can be looked at. */
export interface KubeconfigSeen {
  context?: string;
  cluster?: string;
  user?: string;
  server?: string;
  /** `tls-server-name`: the name looked for in the server's certificate, and sent to it, instead of its host. */
  serverName?: string;
  /** Host and port of `proxy-url`, through which the connection goes. A login in it is left out. */
  proxy?: string;
  ca?: Embedded;
  client?: Embedded;
  /** The client's private key; keep it off every screen. */
  key?: Embedded;
  token: boolean;
  /** `exec`, `auth-provider`: the user logs in by a program. */
  plugin?: string;
}

export interface ContextChoice {
  /** Default: the current context, or the only one. */
  context?: string;
}

type Fields = Record<string, unknown>;
interface Shape {
  'current-context'?: string;
  clusters?: { name?: string; cluster?: Fields | null }[] | null;
  users?: { name?: string; user?: Fields | null }[] | null;
  contexts?: { name?: string; context?: { cluster?: string; user?: string } | null }[] | null;
}

/** Reads a kubeconfig's current (or named) context. Throws RerootError when it is not a kubeconfig or has no such context. */
export function readKubeconfig(text: string, what = 'the kubeconfig', choice: ContextChoice = {}): KubeconfigSeen {
  return seenIn(shapeOf(parseYaml(text, what), what), what, choice);
}

function seenIn(shape: Shape, what: string, choice: ContextChoice): KubeconfigSeen {
  const { name, cluster: clusterName, user: userName } = contextIn(shape, what, choice);
  const cluster = shape.clusters?.find((each) => each.name === clusterName)?.cluster ?? {};
  const user = shape.users?.find((each) => each.name === userName)?.user ?? {};
  const plugin = ['exec', 'auth-provider'].find((key) => user[key]);
  return {
    token: Boolean(user.token || user.tokenFile),
    ...given('context', name),
    ...given('cluster', clusterName),
    ...given('user', userName),
    ...given('server', text(cluster.server)),
    ...given('serverName', text(cluster['tls-server-name'])),
    ...given('proxy', proxyOf(cluster)),
    ...given('ca', embedded(cluster, 'certificate-authority')),
    ...given('client', embedded(user, 'client-certificate')),
    ...given('key', embedded(user, 'client-key')),
    ...given('plugin', plugin),
  };
}

function contextIn(
  shape: Shape,
  what: string,
  choice: ContextChoice,
): { name?: string; cluster?: string; user?: string } {
  const contexts = shape.contexts ?? [];
  const [only, ...more] = shape.clusters ?? [];
  // cluster-info's kubeconfig is one nameless cluster without contexts (kubeadm app/phases/bootstraptoken/clusterinfo).
  if (contexts.length === 0 && only && more.length === 0 && choice.context === undefined)
    return only.name === undefined ? {} : { cluster: only.name };
  const name = choice.context ?? (shape['current-context'] || (contexts.length === 1 ? contexts[0]?.name : undefined));
  const chosen = contexts.find((each) => each.name === name)?.context;
  if (!chosen || name === undefined) {
    const names = contexts.map((each) => each.name).join(', ') || 'none';
    throw cannotEdit(
      what,
      name ? `there is no context ${name}` : 'no current-context is set',
      `contexts in it: ${names}`,
    );
  }
  return { name, ...given('cluster', chosen.cluster), ...given('user', chosen.user) };
}

const given = <K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [key in K]: V });

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function proxyOf(cluster: Fields): string | undefined {
  const url = text(cluster['proxy-url']);
  if (url === undefined) return undefined;
  return (URL.canParse(url) && new URL(url).host) || 'of its proxy-url';
}

function embedded(fields: Fields, key: string): Embedded | undefined {
  const data = fields[`${key}-data`];
  if (typeof data === 'string' && data !== '') return { pem: Buffer.from(data, 'base64').toString('utf8') };
  const path = text(fields[key]);
  return path === undefined ? undefined : { path };
}

function shapeOf(document: Document, what: string): Shape {
  const shape: unknown = document.toJS();
  const lists = ['clusters', 'users', 'contexts'] as const;
  const isObject = typeof shape === 'object' && shape !== null;
  if (!isObject || lists.some((key) => (shape as Shape)[key] != null && !Array.isArray((shape as Shape)[key])))
    throw cannotEdit(what, 'it is not a kubeconfig');
  return shape as Shape;
}

/**
 * Puts trust anchors (PEM) into the chosen context's cluster, and into every other cluster entry that embeds the same ones: they are the
 * same cluster under another name. Only those values change, everything else stays byte for byte.
 */
export function setCA(text: string, pem: string, choice: ContextChoice = {}, what = 'the kubeconfig'): string {
  return edit(text, what, choice, 'cluster', { 'certificate-authority': pem });
}

/**
 * Puts a client certificate (PEM, leaf first) and, where given, its key into the chosen context's user, and into every other user entry that embeds the
 * same certificate.
 */
export function setClient(
  text: string,
  certPem: string,
  keyPem?: string,
  choice: ContextChoice = {},
  what = 'the kubeconfig',
): string {
  return edit(text, what, choice, 'user', {
    'client-certificate': certPem,
    ...(keyPem === undefined ? {} : { 'client-key': keyPem }),
  });
}

function edit(
  text: string,
  what: string,
  choice: ContextChoice,
  kind: 'cluster' | 'user',
  values: Record<string, string>,
): string {
  const document = parseYaml(text, what);
  const shape = shapeOf(document, what);
  const name = seenIn(shape, what, choice)[kind];
  const list = kind === 'cluster' ? (shape.clusters ?? []) : (shape.users ?? []);
  const fieldsOf = (entry: Fields | undefined) => (entry?.[kind] ?? {}) as Fields;
  const [first = ''] = Object.keys(values);
  const chosen = fieldsOf(list.find((entry) => entry.name === name));
  const held = embedded(chosen, first)?.pem;
  for (const key of Object.keys(values)) assertEmbedded(chosen, key, `${kind} ${name}`, what);

  const expected = structuredClone(shape);
  const changed = (kind === 'cluster' ? expected.clusters : expected.users) ?? [];
  const nodes = document.get(`${kind}s`, true);
  const edits: Edit[] = [];
  list.forEach((entry, index) => {
    const same = embedded(fieldsOf(entry), first)?.pem === held && embedded(fieldsOf(entry), first)?.pem !== undefined;
    if (!same) return;
    const map = isSeq(nodes) ? rawNode(rawNode(nodes, index), kind) : undefined;
    for (const [key, pem] of Object.entries(values)) {
      if (!isMap(map) || !map.has(`${key}-data`)) continue;
      const data = Buffer.from(pem).toString('base64');
      edits.push(replaceValue(text, rawNode(map, `${key}-data`), data));
      fieldsOf(changed[index])[`${key}-data`] = data;
    }
  });
  return applyEdits(text, edits, expected, what);
}

function assertEmbedded(fields: Fields, key: string, where: string, what: string): void {
  const seen = embedded(fields, key);
  if (seen?.pem !== undefined) return;
  if (seen?.path !== undefined)
    throw cannotEdit(what, `${where} names the file ${seen.path} (${key}): that file is to be changed, not this one`);
  throw cannotEdit(
    what,
    `${where} has no ${key}-data`,
    'reroot changes what is there; it does not add a way to log in',
  );
}
