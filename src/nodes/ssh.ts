import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wrongUse } from '../errors.ts';
import { type NodeAccess, NodeUnreachable } from './access.ts';
import { away, overTransport, sudoRefusal } from './local.ts';
import { PipeFailed, pipeThrough } from './pipe.ts';
import { loop, newMark, openShell, ShellEnded } from './shell.ts';
import { shellsOn } from './shells.ts';

export interface SshOptions {
  user?: string;
  sudo?: boolean;
  /** A configuration file instead of ~/.ssh/config and the system's (ssh -F). */
  configFile?: string;
}

/**
 * Reaches a node by the system's OpenSSH, so that ~/.ssh/config, agents, jump hosts and hardware keys work as they do for the user. One connection
 * a node is kept and shared (ControlMaster), and in it a few shells that run the commands; nothing is ever asked (BatchMode); host keys are checked as the
 * user's configuration says.
 */
export function sshAccess(node: string, host: string, options: SshOptions = {}): Required<NodeAccess> {
  if (host.startsWith('-') || /[\s\0]/.test(host))
    throw wrongUse(`${JSON.stringify(host)} is not a host name (node ${node})`);
  const prefix = options.sudo ? ['sudo', '-n', '--'] : [];
  const file = options.configFile === undefined ? [] : ['-F', options.configFile];
  const user = options.user === undefined ? [] : ['-l', options.user];
  const ssh = (command: string): string[] => ['ssh', ...connection('auto'), ...file, ...user, '--', host, command];
  const open = async (): Promise<void> => {
    const { code, stderr } = await overTransport(node, ssh('exit 0'));
    // 255 is ssh's own failure (ssh(1), EXIT STATUS).
    if (code === 255) throw new NodeUnreachable(node, sshReason(host, stderr));
  };
  let opening: Promise<void> | undefined;
  // The first command alone opens the connection; else as many as come at once would each log in, which sshd's MaxStartups refuses.
  const opened = (): Promise<void> => {
    opening ??= open().catch((thrown: unknown) => {
      opening = undefined;
      throw thrown;
    });
    return opening;
  };
  const inShell = shellsOn(() => {
    const mark = newMark();
    return openShell(ssh(['exec', ...prefix, 'sh', '-c', loop(mark)].map(quote).join(' ')), mark);
  });
  return {
    node,
    async run(argv, runOptions) {
      await opened();
      const command = `exec ${argv.map(quote).join(' ')}`;
      return inShell(command, runOptions).catch((thrown: unknown) => {
        throw thrown instanceof ShellEnded ? new NodeUnreachable(node, whyEnded(host, thrown)) : away(node, thrown);
      });
    },
    async dial(to, port, dialOptions) {
      await opened();
      const target = `${to.includes(':') ? `[${to}]` : to}:${port}`;
      const argv = ['ssh', ...connection('no'), ...file, ...user, '-W', target, '--', host];
      return pipeThrough(argv, (stderr) => notForwarded(node, target, stderr), dialOptions?.signal);
    },
  };
}

const whyEnded = (host: string, { code, stderr }: ShellEnded): string =>
  sudoRefusal({ code, stderr }) ??
  (code === 255 ? sshReason(host, stderr) : `the shell on ${host} ended with code ${code}${lastLine(stderr)}`);

/** Over a shared connection ssh says no more than that the node's sshd did not open it: mostly because nothing listens there. */
function notForwarded(node: string, target: string, stderr: string): PipeFailed {
  const said = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  const isWay = /administratively prohibited|Permission denied|Host key|resolve hostname|timed out/i.test(stderr);
  return new PipeFailed(
    isWay ? 'EHOSTUNREACH' : 'ECONNREFUSED',
    `no connection from ${node} to ${target}: does it listen, and does the node's sshd allow AllowTcpForwarding?${said ? ` (${said})` : ''}`,
  );
}

/** For the remote login shell: single quotes hold everything but themselves. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** `no`: uses the shared connection and never becomes it. */
const connection = (master: 'auto' | 'no'): string[] => [
  ...option('BatchMode=yes'),
  ...option('ConnectTimeout=10'),
  ...option('ServerAliveInterval=10'),
  ...option('ServerAliveCountMax=3'),
  ...option(`ControlMaster=${master}`),
  ...option(`ControlPath=${join(controlFolder(), '%C')}`),
  ...option('ControlPersist=30'),
  ...option('LogLevel=ERROR'),
  '-T',
];
const option = (text: string): string[] => ['-o', text];

let folder: string | undefined;
/**
 * A folder of ours only (mkdtemp makes it 0700): whoever can open the socket has the node. Short, for a socket's path has 108 bytes at most. A rotation
 * can outlive what tidies up temporary files, so it is made again when it is gone.
 */
function controlFolder(): string {
  if (folder === undefined || !existsSync(folder)) {
    const made = mkdtempSync(join(tmpdir(), 'reroot-ssh-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

const REASONS: readonly [RegExp, (host: string) => string][] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/i,
    (host) =>
      `the host key of ${host} is not the one in known_hosts: was the node installed anew, or is this another machine?`,
  ],
  [
    /Host key verification failed|No .* host key is known/i,
    (host) =>
      `the host key of ${host} is not known here: run \`ssh ${host} true\` once by hand and check the key it shows`,
  ],
  [
    /Permission denied/i,
    (host) => `ssh to ${host} was refused: no key that the node accepts (is the agent running, is --ssh-user right?)`,
  ],
  [/Could not resolve hostname/i, (host) => `the name ${host} cannot be resolved: set nodes.NAME.host in reroot.yaml`],
  [/Connection refused/i, (host) => `nothing listens for ssh on ${host}`],
  [/timed out|No route to host|Network is unreachable/i, (host) => `${host} does not answer`],
];

/** One sentence for ssh's messages. Exported for its test. */
export function sshReason(host: string, stderr: string): string {
  const known = REASONS.find(([pattern]) => pattern.test(stderr));
  return known ? known[1](host) : `ssh to ${host} failed${lastLine(stderr)}`;
}

/** `: what it said last`. */
function lastLine(stderr: string): string {
  const last = stderr.trim().split('\n').at(-1)?.trim();
  return last ? `: ${last}` : '';
}
