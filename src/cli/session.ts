// What every command that looks at a cluster begins with: the global flags, the configuration, the cluster, the way to its nodes.

import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ApiError, ApiUnreachable, type Cluster, connect } from '../cluster/client.ts';
import { type Dial, directly } from '../cluster/wire.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { wrongUse } from '../errors.ts';
import type { NodeAccess } from '../nodes/access.ts';
import { accessFor } from '../nodes/access-for.ts';
import { dialer } from '../nodes/dialer.ts';
import type { OutputKind } from '../views/emitter.ts';

export interface GlobalFlags {
  kubeconfig?: string;
  context?: string;
  config?: string;
  output: OutputKind;
  sshUser?: string;
  nodeExec?: string;
}

export type AccessFlags = Omit<GlobalFlags, 'output'>;

export interface Session {
  config: Config;
  cluster: Cluster;
  /** The way to a node; one a node, kept. */
  accessOf: (node: string) => NodeAccess;
  /** Where the cluster says that a node is. Discovery tells it before it asks for the node. */
  noteAddress: (node: string, address: string) => void;
  /** The way to ports of nodes and pods, as the configuration has it. */
  dial: Dial;
  close: () => Promise<void>;
}

export const addGlobalFlags = (command: Command): Command =>
  addAccessFlags(command).addOption(
    new Option('-o, --output <kind>', 'what is printed').choices(['board', 'plain', 'json']).default('board'),
  );

/** The global flags without `-o`, for commands whose output has forms of its own. */
export function addAccessFlags(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, then ~/.kube/config')
    .option('--context <name>', 'a context of the kubeconfig')
    .option('--config <file>', 'reroot.yaml: how nodes are reached and components restarted')
    .option('--ssh-user <name>', 'log in to nodes as this user')
    .option('--node-exec <command>', "reach nodes by a command, such as 'docker exec -i {node}'");
}

/** How long an API server that does not answer is waited for: it may just be restarting. Milliseconds. */
const PATIENCE = 5_000;

/** Reads the configuration and makes sure that the cluster is there and knows the user. Throws wrongUse otherwise. */
export async function openSession(flags: AccessFlags): Promise<Session> {
  const config = configOf(flags);
  const nodes = nodeAccess(config);
  const choice = {
    ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }),
    ...(flags.context === undefined ? {} : { context: flags.context }),
  };
  const cluster = connect(choice, config.dial === 'nodes' ? nodes.dial : undefined);
  try {
    await cluster.get('/version', { retryFor: PATIENCE });
  } catch (thrown) {
    await cluster.close();
    if (thrown instanceof ApiUnreachable || thrown instanceof ApiError) throw wrongUse(thrown.message, ...thrown.hints);
    throw thrown;
  }
  return { config, cluster, ...nodes, close: () => cluster.close() };
}

/** The way to the nodes alone, for what must work while the API server is down. Asks nobody anything. */
export function openNodes(flags: AccessFlags): Pick<Session, 'config' | 'accessOf' | 'noteAddress'> {
  const config = configOf(flags);
  return { config, ...nodeAccess(config) };
}

/** Flags win over the file. */
function configOf(flags: AccessFlags): Config {
  const config = loadConfig(flags.config);
  if (flags.config === undefined && existsSync('reroot.yaml'))
    process.stderr.write('reroot.yaml lies in this folder and is not read: name it with --config reroot.yaml\n');
  if (flags.nodeExec !== undefined && flags.sshUser !== undefined) {
    throw wrongUse('--node-exec and --ssh-user exclude each other', 'put the user into the command');
  }
  if (flags.nodeExec !== undefined) return { ...config, access: 'exec', exec: flags.nodeExec };
  if (flags.sshUser !== undefined) return { ...config, access: 'ssh', user: flags.sshUser };
  return config;
}

function nodeAccess(config: Config): Pick<Session, 'accessOf' | 'noteAddress' | 'dial'> {
  const addresses = new Map<string, string>();
  const known = new Map<string, NodeAccess>();
  const accessOf = (node: string): NodeAccess => {
    const access = known.get(node) ?? accessFor(config, node, addresses.get(node));
    known.set(node, access);
    return access;
  };
  const nodeAt = (host: string): string | undefined =>
    [...addresses].find(([, address]) => address === host)?.[0] ??
    Object.entries(config.nodes).find(([, node]) => node.host === host)?.[0];
  const nodes = () => [...addresses.keys(), ...Object.keys(config.nodes)];
  return {
    dial: dialer({ config, accessOf, nodeAt, nodes, direct: directly }),
    noteAddress: (node, address) => {
      if (addresses.get(node) === address) return;
      addresses.set(node, address);
      known.delete(node);
    },
    accessOf,
  };
}
