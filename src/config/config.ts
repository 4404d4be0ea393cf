import { readFileSync } from 'node:fs';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type RerootError, reasonOf, wrongUse } from '../errors.ts';

const path = z.string().startsWith('/', 'must be an absolute path');
const text = z.string().min(1, 'must not be empty');

const component = z.strictObject({
  /** A shell command, run on the machine where reroot runs, that restarts the component and comes back when the old process is gone. */
  restart: text.optional(),
  /** Files and folders on the node that belong to the component and that its flags do not name. */
  paths: z.array(path).default([]),
});

const schema = z.strictObject({
  access: z.enum(['ssh', 'exec', 'local']).default('ssh'),
  /** Command template of `access: exec`; `{node}` and `{host}` are replaced. */
  exec: text.optional(),
  /** The user ssh logs in as. Default: what ~/.ssh/config says. */
  user: text.optional(),
  /** A configuration file for ssh instead of ~/.ssh/config. */
  sshConfig: path.optional(),
  /** How ports of nodes, pods and Services are reached: from this machine, or through the nodes, as behind a bastion. */
  dial: z.enum(['direct', 'nodes']).default('direct'),
  /** Put `sudo -n` before every command on a node (ssh and local). */
  sudo: z.boolean().default(false),
  nodes: z
    .record(
      text,
      z.strictObject({
        host: text.optional(),
        components: z.record(text, component).default({}),
      }),
    )
    .default({}),
  /** An etcd that is not on the control-plane nodes. Paths are on this machine. */
  etcd: z
    .strictObject({
      endpoints: z.array(z.url({ protocol: /^https$/, error: 'must be an https URL' })).min(1),
      ca: path.optional(),
      cert: path.optional(),
      key: path.optional(),
    })
    .optional(),
});

/** `reroot.yaml`, with its defaults filled in. */
export type Config = z.infer<typeof schema>;
export type NodeConfig = Config['nodes'][string];
export type ComponentConfig = NodeConfig['components'][string];

/** Reads `reroot.yaml`; without a path the defaults (ssh, as the user's own configuration says). Throws wrongUse naming file, line and key. */
export function loadConfig(file?: string): Config {
  if (file === undefined) return schema.parse({});
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw wrongUse(`cannot read ${file}: ${reasonOf(thrown)}`, 'check --config');
  }
  return parseConfig(source, file);
}

/** Exported for callers that have the text already; `file` is for the messages. */
export function parseConfig(source: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken) throw notYaml(`${file}:${lines.linePos(broken.pos[0]).line}`, broken);
  const parsed = schema.safeParse(plainOf(document, file) ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw wrongUse(`${file}: not understood`);
  throw explain(issue, file, document, lines);
}

const notYaml = (where: string, thrown: unknown): RerootError =>
  wrongUse(`${where}: not YAML: ${reasonOf(thrown).split('\n')[0]}`, 'mend the file, or try another with --config');

/** An alias to nothing, or one of itself many times over, is found only here. */
function plainOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (thrown) {
    throw notYaml(file, thrown);
  }
}

function explain(issue: z.core.$ZodIssue, file: string, document: Document, lines: LineCounter): RerootError {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const at = unknown === undefined ? issue.path : [...issue.path, unknown];
  const key = at.map(String).join('.') || 'the file';
  const where = `${file}:${lineOf(document, lines, at)}`;
  if (unknown !== undefined)
    return wrongUse(`${where}: unknown key ${key}`, `known keys here: ${knownKeys(issue.path).join(', ')}`);
  return wrongUse(`${where}: ${key}: ${issue.message}`);
}

/** The line of a key, or of the closest thing around it that is in the file. */
function lineOf(document: Document, lines: LineCounter, at: readonly PropertyKey[]): number {
  for (let depth = at.length; depth >= 0; depth--) {
    const node: unknown = document.getIn(at.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function knownKeys(at: readonly PropertyKey[]): string[] {
  if (at.length === 0) return Object.keys(schema.shape);
  if (at[0] === 'etcd') return ['endpoints', 'ca', 'cert', 'key'];
  return at.length === 2 ? ['host', 'components'] : Object.keys(component.shape);
}
