// OpenSSL's way with a chain (X509_verify_cert, 1.1.0 to 4.0): Node, Python, curl, Ruby, most else. One chain is built by names and key ids, trusted
// certificates first; it is never taken back when its signatures then fail.

import { type Certificate, verifiedBy } from './certificate.ts';
import { coversName } from './host-names.ts';
import { chainFault } from './openssl-chain.ts';
import { bestIssuer, selfSigned } from './openssl-issuer.ts';
import { ACCEPTED, type ChainQuestion, refused, type Verdict } from './verdict.ts';

export interface OpenSSLQuestion extends ChainQuestion {
  /** X509_V_FLAG_PARTIAL_CHAIN: a trusted certificate that did not sign itself may end a chain. curl's and Python 3.13's default. */
  partialChain?: boolean;
  /** X509_V_FLAG_X509_STRICT: Python 3.13's default. */
  strict?: boolean;
}

/** OpenSSL's verdict. Where it would go by name constraints or policies this refuses. */
export function verifyLikeOpenSSL(question: OpenSSLQuestion): Verdict {
  const built = buildChain(question);
  if (!built.ok) return built.verdict;
  const [leaf] = built.chain;
  if (leaf && question.name !== undefined && !coversName(leaf, question.name))
    return refused('wrong-name', `${leaf.subject} is not for ${question.name}`);
  return chainFault(built.chain, question) ?? signatureFault(built.chain) ?? ACCEPTED;
}

type Built = { ok: true; chain: Certificate[] } | { ok: false; verdict: Verdict };

/** build_chain with X509_V_FLAG_TRUSTED_FIRST, the default. Only the ends that matter here: no DANE, no depth limit of 100. */
function buildChain(question: OpenSSLQuestion): Built {
  const [leaf, ...rest] = question.chain;
  if (!leaf) return { ok: false, verdict: refused('empty-chain', 'nothing was presented') };
  const chain = [leaf];
  const sent = [...rest];
  let searchSent = true;
  let trusted = false;
  for (;;) {
    const top = chain[chain.length - 1] as Certificate;
    const anchor = bestIssuer(top, question.anchors, question.now);
    if (anchor && selfSigned(top)) {
      // A self-signed end must be the trusted certificate itself, not one that looks like it.
      if (anchor.fingerprint === top.fingerprint) return { ok: true, chain };
    } else if (anchor) {
      chain.push(anchor);
      searchSent = false;
      trusted = true;
      if (selfSigned(anchor) || question.partialChain) return { ok: true, chain };
      continue;
    }
    const next = searchSent && !selfSigned(top) ? bestIssuer(top, sent, question.now) : undefined;
    if (!next) return end(chain, question, trusted);
    sent.splice(sent.indexOf(next), 1);
    chain.push(next);
  }
}

/** Nothing more was found. A leaf that is itself trusted will do where partial chains do; the rest of the chain is judged all the same. */
function end(chain: Certificate[], question: OpenSSLQuestion, trusted: boolean): Built {
  const [leaf] = chain;
  const known = question.anchors.some(({ fingerprint }) => fingerprint === leaf?.fingerprint);
  if (leaf && question.partialChain && known) return { ok: true, chain };
  const top = chain[chain.length - 1] as Certificate;
  if (selfSigned(top))
    return {
      ok: false,
      verdict: refused('self-signed-in-chain', `${top.subject} is taken for self-signed, and is not trusted`),
    };
  return {
    ok: false,
    verdict: trusted
      ? refused('no-self-signed-end', `the chain ends with ${top.subject}, which is trusted but did not sign itself`)
      : refused('unknown-issuer', `nothing trusted has issued ${top.subject} (issuer ${top.issuer})`),
  };
}

/** internal_verify without dates: every certificate but a self-signed end is signed by the next one's key. */
function signatureFault(chain: readonly Certificate[]): Verdict | undefined {
  for (let i = chain.length - 2; i >= 0; i--) {
    const [child, issuer] = [chain[i] as Certificate, chain[i + 1] as Certificate];
    if (!verifiedBy(child, issuer))
      return refused('signature', `${child.subject} is not signed by the ${issuer.subject} that was taken`);
  }
  return undefined;
}
