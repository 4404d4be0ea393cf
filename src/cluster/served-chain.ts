import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Dial, directly, type Target } from './dial.ts';
import { readServerFlight } from './handshake.ts';

export interface ServedOptions {
  /** Name sent as SNI. Default: the host, unless it is an address. */
  servername?: string;
  /** Milliseconds. Default 10 000. */
  timeout?: number;
  /** PEM anchors to judge the chain by; absent: it is not judged. */
  ca?: string;
  /** Client credential, for servers that send nothing useful without. */
  cert?: string;
  key?: string;
  signal?: AbortSignal;
  /** Default: from here. */
  dial?: Dial;
  /** What is known of the place beside its address. */
  at?: Pick<Target, 'node' | 'through'>;
}

export interface ServedChain {
  /** DER, exactly as sent: leaf first, foreign and doubled certificates included. */
  chain: Buffer[];
  /** `TLSv1.3`; undefined when the server broke the handshake off after its certificate (it wants one of the client). */
  protocol?: string;
  /** DER of the names of the CAs whose client certificates the server says it takes; undefined when it asks for none. */
  acceptableCAs?: Buffer[];
  /** By `ca`: OpenSSL's verdict on the chain and Node's on the name. */
  authorized?: boolean;
  authorizationError?: string;
}

/** No chain was to be had: `code` is Node's (`ECONNREFUSED`, `TIMEOUT`, `EPROTO`, …). */
export class WireError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'WireError';
  }
}

/** Milliseconds for the server to take our farewell. */
const GOODBYE = 500;

/** The chain a server serves in a fresh handshake. Throws WireError, or the signal's reason. */
export async function servedChain(host: string, port: number, options: ServedOptions = {}): Promise<ServedChain> {
  const { timeout = 10_000, signal, dial = directly, at } = options;
  signal?.throwIfAborted();
  const begun = Date.now();
  const raw = await dial({ host, port, ...at }, { timeout, ...(signal ? { signal } : {}) }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    const { code = 'EHOSTUNREACH', message } = cause as NodeJS.ErrnoException;
    throw new WireError(code, `${host}:${port}: ${message}`, { cause });
  });
  return flightOver(raw, host, port, { ...options, timeout: Math.max(1, timeout - (Date.now() - begun)) });
}

function flightOver(
  tcp: Duplex,
  host: string,
  port: number,
  options: ServedOptions & { timeout: number },
): Promise<ServedChain> {
  const { timeout, signal } = options;
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    let secret: Buffer | undefined;
    const socket = connectTls({
      socket: tapped(tcp, (chunk) => received.push(chunk)),
      host,
      rejectUnauthorized: false,
      ...serverName(host, options.servername),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.cert === undefined ? {} : { cert: options.cert, key: options.key }),
    });
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
      leave(socket, tcp);
    };
    const fail = (thrown: unknown) => finish(() => reject(thrown));
    const onAbort = () => fail(signal?.reason);
    const timer = setTimeout(
      () => fail(new WireError('TIMEOUT', `${host}:${port} did not shake hands within ${timeout / 1000} s`)),
      timeout,
    );
    signal?.addEventListener('abort', onAbort, { once: true });

    const onError = (cause: NodeJS.ErrnoException) => {
      const flight = readServerFlight(Buffer.concat(received), secret);
      if (flight.certificates.length > 0) finish(() => resolve(describe(flight)));
      else fail(new WireError(cause.code ?? 'EPROTO', `${host}:${port}: ${cause.message || cause.code}`, { cause }));
    };
    socket.on('keylog', (line: Buffer) => {
      const [label, , value = ''] = line.toString('latin1').trim().split(' ');
      if (label === 'SERVER_HANDSHAKE_TRAFFIC_SECRET') secret = Buffer.from(value, 'hex');
    });
    socket.on('secureConnect', () => {
      const flight = readServerFlight(Buffer.concat(received), secret);
      if (flight.certificates.length === 0)
        return fail(new WireError('EPROTO', `${host}:${port}: its handshake could not be read`));
      finish(() => resolve({ ...describe(flight), ...verdict(socket, options.ca !== undefined) }));
    });
    tcp.on('error', onError);
    socket.on('error', onError);
  });
}

/** Ends politely, so that the server's log has no broken handshakes of ours, and not without end. */
function leave(socket: TLSSocket, tcp: Duplex): void {
  socket.end();
  const timer = setTimeout(() => {
    socket.destroy();
    tcp.destroy();
  }, GOODBYE);
  tcp.once('close', () => clearTimeout(timer));
}

const describe = (flight: ReturnType<typeof readServerFlight>): ServedChain => ({
  chain: flight.certificates,
  ...(flight.acceptableCAs ? { acceptableCAs: flight.acceptableCAs } : {}),
});

function verdict(socket: TLSSocket, judged: boolean): Partial<ServedChain> {
  const protocol = socket.getProtocol();
  const error: unknown = socket.authorizationError;
  return {
    ...(protocol ? { protocol } : {}),
    ...(judged ? { authorized: socket.authorized } : {}),
    ...(judged && !socket.authorized
      ? { authorizationError: String(error instanceof Error ? error.message : error) }
      : {}),
  };
}

/** An address is no server name (RFC 6066, section 3). */
export const serverName = (host: string, name: string | undefined): { servername?: string } =>
  name !== undefined ? { servername: name } : isIP(host) ? {} : { servername: host };

/** The same connection, with all that comes from the server shown to `see` first. */
function tapped(tcp: Duplex, see: (chunk: Buffer) => void): Duplex {
  const tap = new Duplex({
    read: () => void tcp.resume(),
    write: (chunk, _encoding, done) => void tcp.write(chunk, done),
    final: (done) => void tcp.end(done),
    destroy: (error, done) => {
      tcp.destroy();
      done(error);
    },
  });
  tcp.on('data', (chunk: Buffer) => {
    see(chunk);
    if (!tap.push(chunk)) tcp.pause();
  });
  tcp.on('end', () => tap.push(null));
  return tap;
}
