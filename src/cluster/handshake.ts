import { createDecipheriv, createHmac } from 'node:crypto';

// Node and OpenSSL give a peer's chain as they would complete it: certificates that do not belong are left out, missing ones come from a
// store. What a server really sends is in its handshake, so it is read from there: in the clear up to TLS 1.2, and in TLS 1.3 under the
// server's handshake traffic secret, which OpenSSL hands to whoever opens the connection.

export interface ServerFlight {
  /** DER, in the order sent. */
  certificates: Buffer[];
  /** DER of the names in the server's CertificateRequest; undefined when it asks for no certificate. */
  acceptableCAs?: Buffer[];
}

/** A cipher of TLS 1.3 by its number (RFC 8446, B.4). */
const CIPHERS: Record<
  number,
  { cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'; hash: string; keyLength: number }
> = {
  4865: { cipher: 'aes-128-gcm', hash: 'sha256', keyLength: 16 },
  4866: { cipher: 'aes-256-gcm', hash: 'sha384', keyLength: 32 },
  4867: { cipher: 'chacha20-poly1305', hash: 'sha256', keyLength: 32 },
};

const RECORD = { handshake: 22, applicationData: 23 } as const;
const MESSAGE = { serverHello: 2, certificate: 11, certificateRequest: 13 } as const;
/** A ServerHello with this random is a HelloRetryRequest (RFC 8446, 4.1.3). */
const RETRY_RANDOM = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';
const SUPPORTED_VERSIONS = 43;
const CERTIFICATE_AUTHORITIES = 47;

/**
 * Reads the server's first flight from the bytes it sent. `secret` is its SERVER_HANDSHAKE_TRAFFIC_SECRET, absent up to TLS 1.2. What is cut short or not
 * understood is left out.
 */
export function readServerFlight(bytes: Buffer, secret?: Buffer): ServerFlight {
  const flight: ServerFlight = { certificates: [] };
  try {
    readRecords(bytes, secret, flight);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
  }
  return flight;
}

function readRecords(bytes: Buffer, secret: Buffer | undefined, flight: ServerFlight): void {
  let tls13 = false;
  let open: ((record: Buffer, header: Buffer) => Buffer | undefined) | undefined;
  let plain = Buffer.alloc(0);

  const take = (data: Buffer) => {
    plain = Buffer.concat([plain, data]);
    while (plain.length >= 4) {
      const end = 4 + plain.readUIntBE(1, 3);
      if (plain.length < end) return;
      const type = plain.readUInt8(0);
      const body = plain.subarray(4, end);
      plain = plain.subarray(end);
      if (type === MESSAGE.serverHello) {
        const hello = readServerHello(body);
        tls13 = hello.tls13;
        if (tls13 && !hello.retry && secret) open = decrypter(hello.suite, secret);
      } else if (type === MESSAGE.certificate) flight.certificates = readCertificates(body, tls13);
      else if (type === MESSAGE.certificateRequest) flight.acceptableCAs = readAuthorities(body, tls13);
    }
  };

  for (let at = 0; at + 5 <= bytes.length; ) {
    const header = bytes.subarray(at, at + 5);
    const record = bytes.subarray(at + 5, at + 5 + header.readUInt16BE(3));
    if (record.length < header.readUInt16BE(3)) break;
    at += 5 + record.length;
    if (header[0] === RECORD.handshake) take(record);
    else if (header[0] === RECORD.applicationData && tls13) {
      const inner = open?.(record, header);
      // Records after the server's Finished are under another key: nothing of the first flight comes any more.
      if (!inner) break;
      take(inner);
    }
  }
}

function readServerHello(body: Buffer): { tls13: boolean; retry: boolean; suite: number } {
  const random = body.subarray(2, 34).toString('hex');
  let at = 34 + 1 + body.readUInt8(34);
  const suite = body.readUInt16BE(at);
  at += 3;
  const extensions = at + 2 <= body.length ? body.subarray(at + 2, at + 2 + body.readUInt16BE(at)) : Buffer.alloc(0);
  return {
    tls13: findExtension(extensions, SUPPORTED_VERSIONS)?.readUInt16BE(0) === 0x0304,
    retry: random === RETRY_RANDOM,
    suite,
  };
}

function findExtension(extensions: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extensions.length; ) {
    const length = extensions.readUInt16BE(at + 2);
    if (extensions.readUInt16BE(at) === type) return extensions.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** RFC 8446, 5.2 and 5.3. Gives handshake data, nothing for another inner type, undefined when the key does not open it. */
function decrypter(
  suite: number,
  secret: Buffer,
): ((record: Buffer, header: Buffer) => Buffer | undefined) | undefined {
  const parameters = CIPHERS[suite];
  if (!parameters) return undefined;
  const { cipher, hash, keyLength } = parameters;
  const key = expand(hash, secret, 'key', keyLength);
  const iv = expand(hash, secret, 'iv', 12);
  let sequence = 0;
  return (record, header) => {
    const nonce = Buffer.from(iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
    sequence += 1;
    try {
      const decipher = createDecipheriv(cipher as 'aes-128-gcm', key, nonce, { authTagLength: 16 });
      decipher.setAAD(header);
      decipher.setAuthTag(record.subarray(-16));
      const inner = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
      let end = inner.length;
      while (end > 0 && inner[end - 1] === 0) end -= 1;
      return inner[end - 1] === RECORD.handshake ? inner.subarray(0, end - 1) : Buffer.alloc(0);
    } catch {
      return undefined;
    }
  };
}

/** HKDF-Expand-Label with an empty context (RFC 8446, 7.1); one block of the hash is always enough here (RFC 5869, 2.3). */
function expand(hash: string, secret: Buffer, label: string, length: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, full.length]), full, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}

function readCertificates(body: Buffer, tls13: boolean): Buffer[] {
  let at = tls13 ? 1 + body.readUInt8(0) : 0;
  const end = at + 3 + body.readUIntBE(at, 3);
  at += 3;
  const found: Buffer[] = [];
  while (at + 3 <= end) {
    const length = body.readUIntBE(at, 3);
    found.push(Buffer.from(body.subarray(at + 3, at + 3 + length)));
    at += 3 + length;
    if (tls13) at += 2 + body.readUInt16BE(at);
  }
  return found;
}

function readAuthorities(body: Buffer, tls13: boolean): Buffer[] {
  if (tls13) {
    const at = 1 + body.readUInt8(0);
    const list = findExtension(body.subarray(at + 2), CERTIFICATE_AUTHORITIES);
    return list ? readNames(list) : [];
  }
  // Certificate types, signature algorithms, then the names (RFC 5246, 7.4.4).
  let at = 1 + body.readUInt8(0);
  at += 2 + body.readUInt16BE(at);
  return readNames(body.subarray(at));
}

function readNames(list: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const end = 2 + list.readUInt16BE(0);
  for (let at = 2; at + 2 <= end; ) {
    const length = list.readUInt16BE(at);
    found.push(Buffer.from(list.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return found;
}
