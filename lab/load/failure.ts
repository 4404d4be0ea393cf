// What went wrong with one request, in a class that a reader of the summary can count by.

export type FailureClass = 'certificate' | 'authentication' | 'connection' | 'timeout' | 'http-5xx' | 'other';

export interface Failure {
  /** When the client knew, milliseconds since the epoch. The request began `ms` earlier. */
  t: number;
  kind: string;
  /** What of several was asked, such as `cp1>w1` for an API server and a kubelet. */
  target?: string;
  class: FailureClass;
  text: string;
  ms: number;
}

/** Thrown when an answer did not come in time. Its own type, so that no error text has to be guessed at. */
export class NoAnswer extends Error {
  constructor(what: string, seconds: number) {
    super(`no answer within ${seconds} s: ${what}`);
    this.name = 'NoAnswer';
  }
}

/** An answer that is not a success, with the message of the Status object in it. */
export class BadAnswer extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(`HTTP ${status}: ${message}`);
    this.name = 'BadAnswer';
  }
}

// X509_verify_cert_error_string's names as Node gives them in `code` (node:crypto_common.cc, X509ErrorCode), and TLS alerts about certificates.
const VERIFY_CODES =
  /^(UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/;
const ALERT_CODES = /^ERR_SSL_.*(CERTIFICATE|UNKNOWN_CA|CERT_)/;
const CONNECTION_CODES = /^(ECONN|EPIPE|EHOST|ENET|EADDR|EAI_|ENOTFOUND|ETIMEDOUT|ERR_SSL_|ERR_STREAM_|EPROTO)/;
// What a Go server says when its own client could not verify: crypto/x509 and crypto/tls prefix their errors so.
const GO_TLS_TEXT = /\bx509: |\btls: |failed to verify certificate/;

/** The class of a failed request. A 5xx whose message blames TLS is a certificate failure one hop further. */
export function classOf(thrown: unknown): FailureClass {
  if (thrown instanceof NoAnswer) return 'timeout';
  if (thrown instanceof BadAnswer) return classOfStatus(thrown);
  const code = codeOf(thrown);
  if (VERIFY_CODES.test(code) || ALERT_CODES.test(code)) return 'certificate';
  return CONNECTION_CODES.test(code) ? 'connection' : 'other';
}

function classOfStatus({ status, message }: BadAnswer): FailureClass {
  if (status === 401) return 'authentication';
  if (GO_TLS_TEXT.test(message)) return 'certificate';
  return status >= 500 ? 'http-5xx' : 'other';
}

/** One line, with the code of the error where its message lacks it. */
export function textOf(thrown: unknown): string {
  const message = (thrown instanceof Error ? thrown.message : String(thrown)).replace(/\s+/g, ' ').trim();
  const code = codeOf(thrown);
  return (code && !message.includes(code) ? `${message} (${code})` : message).slice(0, 500);
}

/** The `code` of a Node system, TLS or OpenSSL error; empty when there is none. */
export function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error) || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' ? thrown.code : '';
}
