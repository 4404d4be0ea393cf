// How a TCP connection to something in the cluster comes about: from here, or through a node, for machines behind a bastion.

import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

/** Where to, and what is known of the place. */
export interface Target {
  host: string;
  port: number;
  /** The node on which it is; an address such as 127.0.0.1 means that node's. */
  node?: string;
  /** Only through that node: tried from here and not reached. */
  through?: boolean;
}

export interface DialOptions {
  /** Milliseconds until the way to the node counts as closed. */
  timeout?: number;
  signal?: AbortSignal;
}

/** Gives a stream of bytes to the target. It may still be connecting: what goes wrong later is an error of the stream, with a `code` as Node's. */
export type Dial = (target: Target, options?: DialOptions) => Promise<Duplex>;

/** From this machine. */
export const directly: Dial = ({ host, port }) => Promise.resolve(connectTcp({ host, port }));

/** TLS over any stream of bytes. An error of the stream is the socket's, for OpenSSL's side of Node hears nothing of it. */
export function tlsOver(raw: Duplex, options: ConnectionOptions): TLSSocket {
  const socket = connectTls({ ...options, socket: raw });
  raw.on('error', (cause) => socket.destroy(cause));
  return socket;
}
