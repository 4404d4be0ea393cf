// Whether a chain is accepted, in the two manners that cover what Kubernetes' clients and servers use. Pure: no network, no clock, no store.

import type { ChainQuestion, Verdict } from './verdict.ts';
import { verifyLikeGo } from './verify-go.ts';
import { verifyLikeOpenSSL } from './verify-openssl.ts';

export type { ChainQuestion, Verdict, VerdictReason } from './verdict.ts';
export { verifyLikeGo } from './verify-go.ts';
export { type OpenSSLQuestion, verifyLikeOpenSSL } from './verify-openssl.ts';

/** Both must accept: asked before any chain is written. The message says who refused. */
export function judgeChain(question: ChainQuestion): Verdict {
  const go = verifyLikeGo(question);
  if (!go.ok) return { ...go, message: `Go refuses it: ${go.message}` };
  const openssl = verifyLikeOpenSSL(question);
  return openssl.ok ? openssl : { ...openssl, message: `OpenSSL refuses it: ${openssl.message}` };
}
