// The question that every verifier here answers, and the form of the answer.

import type { Certificate } from './certificate.ts';

export interface ChainQuestion {
  /** As presented: the leaf first, then whatever was sent with it, in that order. */
  chain: readonly Certificate[];
  /** The trust bundle, in file order. */
  anchors: readonly Certificate[];
  usage: 'serverAuth' | 'clientAuth';
  /** Milliseconds since the epoch. */
  now: number;
  /** A DNS name or IP address that the leaf must carry. */
  name?: string;
}

export type VerdictReason =
  | 'empty-chain'
  | 'unknown-issuer'
  | 'signature'
  | 'not-yet-valid'
  | 'expired'
  | 'not-a-ca'
  | 'path-length'
  | 'usage'
  | 'key-usage'
  | 'name-constraints'
  | 'unhandled-critical'
  | 'self-signed-in-chain'
  | 'no-self-signed-end'
  | 'wrong-name'
  | 'strict';

export type Verdict = { ok: true } | { ok: false; reason: VerdictReason; message: string };

export const ACCEPTED: Verdict = { ok: true };

export const refused = (reason: VerdictReason, message: string): Verdict => ({ ok: false, reason, message });
