// Go's way with a chain (crypto/x509 Verify, as of 1.26): every Kubernetes component and etcd. Names are compared as bytes, every candidate is
// tried in every order, a certificate in the bundle is trusted whether it signed itself or not, and anchors' limits count.

import { familyOf, signatureKind } from './algorithms.ts';
import { type Certificate, verifiedBy } from './certificate.ts';
import { type Extension, OID } from './extensions.ts';
import { coversName } from './host-names.ts';
import { ACCEPTED, type ChainQuestion, refused, type Verdict } from './verdict.ts';

/** maxChainSignatureChecks in crypto/x509/verify.go. */
const SIGNATURE_CHECKS = 100;

/** Go's verdict. Where Go would go by name constraints or policy constraints this refuses: better than to guess. */
export function verifyLikeGo(question: ChainQuestion): Verdict {
  const [leaf, ...rest] = question.chain;
  if (!leaf) return refused('empty-chain', 'nothing was presented');
  const fault = faultOf(leaf, [], question.now);
  if (fault) return fault;
  if (question.name !== undefined && !coversName(leaf, question.name))
    return refused('wrong-name', `${leaf.subject} is not for ${question.name}`);
  if (question.anchors.some(({ fingerprint }) => fingerprint === leaf.fingerprint)) return judge([leaf], question);
  return search({ question, sent: unique(rest), anchors: unique(question.anchors), checks: 0 }, [leaf]);
}

interface Search {
  question: ChainQuestion;
  sent: Certificate[];
  anchors: Certificate[];
  checks: number;
}

/** Depth first over all chains that start with `chain`: the first acceptable one, or the first refusal met. */
function search(state: Search, chain: Certificate[]): Verdict {
  const child = chain[chain.length - 1] as Certificate;
  let hint: Verdict | undefined;
  const consider = (candidate: Certificate, trusted: boolean): Verdict | undefined => {
    state.checks++;
    if (state.checks > SIGNATURE_CHECKS || alreadyIn(chain, candidate)) return undefined;
    const fault = signatureFault(child, candidate) ?? faultOf(candidate, chain, state.question.now, !trusted);
    if (fault) return fault;
    const longer = [...chain, candidate];
    return trusted ? judge(longer, state.question) : search(state, longer);
  };
  for (const trusted of [true, false]) {
    for (const candidate of candidatesFor(child, trusted ? state.anchors : state.sent)) {
      const verdict = consider(candidate, trusted);
      if (verdict?.ok) return verdict;
      hint ??= verdict;
    }
  }
  return hint ?? refused('unknown-issuer', `nothing trusted has issued ${child.subject} (issuer ${child.issuer})`);
}

/** Same name, byte for byte; those whose key id fits first (cert_pool.go findPotentialParents). */
function candidatesFor(child: Certificate, pool: readonly Certificate[]): Certificate[] {
  const rank = ({ keyId = '' }: Certificate): number => {
    const wanted = child.authorityKeyId ?? '';
    if (keyId === wanted) return 0;
    return keyId === '' || wanted === '' ? 1 : 2;
  };
  return pool.filter(({ subjectDer }) => subjectDer === child.issuerDer).sort((a, b) => rank(a) - rank(b));
}

/** CheckSignatureFrom: may the parent sign at all, and did it. */
function signatureFault(child: Certificate, parent: Certificate): Verdict | undefined {
  const basic = parent.slices.extensions.some(({ oid }) => oid === OID.basicConstraints);
  if ((parent.slices.version === 3 && !basic) || (basic && !parent.isCA))
    return refused('not-a-ca', `${parent.subject} is not a CA`);
  if (parent.keyUsages?.length && !parent.keyUsages.includes('keyCertSign'))
    return refused('key-usage', `${parent.subject} may not sign certificates`);
  const kind = signatureKind(child.slices.signatureAlgorithm);
  if (kind?.family !== familyOf(parent.publicKey) || !verifiedBy(child, parent))
    return refused('signature', `${child.subject} is not signed by ${parent.subject}'s key`);
  return undefined;
}

/** isValid: what is wrong with a certificate at this place of a chain. */
function faultOf(
  certificate: Certificate,
  chain: readonly Certificate[],
  now: number,
  intermediate = false,
): Verdict | undefined {
  const { subject, pathLen } = certificate;
  if (certificate.slices.extensions.some(unhandled))
    return refused('unhandled-critical', `${subject} has a critical extension that verifiers do not know`);
  if (now < certificate.notBefore) return refused('not-yet-valid', `${subject} is not valid yet`);
  if (now > certificate.notAfter) return refused('expired', `${subject} has expired`);
  if (intermediate && !certificate.isCA) return refused('not-a-ca', `${subject} is not a CA`);
  if (pathLen !== undefined && chain.length - 1 > pathLen)
    return refused('path-length', `${subject} allows ${pathLen} CAs below it, here are ${chain.length - 1}`);
  return undefined;
}

const HANDLED: readonly string[] = [
  OID.keyUsage,
  OID.basicConstraints,
  OID.subjectAltName,
  OID.extKeyUsage,
  OID.nameConstraints, // refused on its own, below
];

const unhandled = ({ oid, critical }: Extension): boolean =>
  (critical && !HANDLED.includes(oid)) || oid === OID.policyConstraints;

/** What Go judges of a whole chain once it is built: usages nested from the end to the leaf, and name constraints. */
function judge(chain: Certificate[], { usage }: ChainQuestion): Verdict {
  const narrow = chain.find(
    ({ extKeyUsages: usages }) =>
      usages.length > 0 && !usages.includes(usage) && !usages.includes('anyExtendedKeyUsage'),
  );
  if (narrow) return refused('usage', `${narrow.subject} is not for ${usage}`);
  const constrained = chain.find(({ nameConstraints }) => nameConstraints);
  if (constrained)
    return refused('name-constraints', `${constrained.subject} has name constraints, which are not judged here`);
  return ACCEPTED;
}

/** Same subject, key and alternative names: a loop through cross-certificates. */
function alreadyIn(chain: readonly Certificate[], candidate: Certificate): boolean {
  const names = altNamesOf(candidate);
  return chain.some(
    (certificate) =>
      certificate.subjectDer === candidate.subjectDer &&
      certificate.spki === candidate.spki &&
      altNamesOf(certificate) === names,
  );
}

function altNamesOf({ slices }: Certificate): string | undefined {
  const found = slices.extensions.find(({ oid }) => oid === OID.subjectAltName);
  return found && Buffer.from(found.value).toString('base64');
}

function unique(certificates: readonly Certificate[]): Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.fingerprint, certificate])).values()];
}
