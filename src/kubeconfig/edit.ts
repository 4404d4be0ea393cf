// Edits of a kubeconfig's material, as text in and text out. Everything else in the file, comments included, stays byte for byte.

import { RerootError, wrongUse } from '../errors.ts';
import { withAnchors } from '../pki/bundle.ts';
import type { Certificate } from '../pki/certificate.ts';
import { PkiError } from '../pki/errors.ts';
import type { Issuer } from '../pki/issue.ts';
import { generateKey, KEY_TYPES, type KeyType, matches } from '../pki/keys.ts';
import { keyToPem, parsePrivateKey, requireCertificates, toPem } from '../pki/pem.ts';
import { reissueLeaf } from '../pki/reissue.ts';
import {
  type ContextChoice,
  type KubeconfigSeen,
  readKubeconfig,
  setCA,
  setClient,
} from '../stores/kubeconfig-file.ts';

export interface Source {
  text: string;
  /** For errors: the file's path. */
  what: string;
  choice: ContextChoice;
}

/** What the chosen context trusts and presents. Throws wrongUse for text that is no kubeconfig, or data that is no certificate. */
export interface Material {
  seen: KubeconfigSeen;
  anchors: Certificate[];
  client: Certificate[];
}

export function materialIn({ text, what, choice }: Source): Material {
  return inputErrors(() => {
    const seen = readKubeconfig(text, what, choice);
    const parsed = (pem: string | undefined, name: string): Certificate[] =>
      pem === undefined ? [] : requireCertificates(pem, `${name} in ${what}`);
    return {
      seen,
      anchors: parsed(seen.ca?.pem, 'the CA data'),
      client: parsed(seen.client?.pem, 'the client certificate'),
    };
  });
}

/** The text with these CAs trusted as well, behind those that are there. The same text when it trusts them all already. */
export function addAnchors(source: Source, cas: readonly Certificate[]): string {
  return inputErrors(() => {
    const leaf = cas.find((certificate) => !certificate.isCA);
    if (leaf) throw wrongUse(`${leaf.subject} is not a CA certificate: nothing it signed would be trusted`);
    const { anchors } = embeddedAnchors(source);
    const has = (ca: Certificate): boolean => anchors.some((anchor) => anchor.fingerprint === ca.fingerprint);
    if (cas.every(has)) return source.text;
    return setCA(source.text, toPem(withAnchors(anchors, { add: cas })), source.choice, source.what);
  });
}

/** The text without these CAs (fingerprints). The same text when none of them is in it. Refuses to leave it without any. */
export function dropAnchors(source: Source, fingerprints: readonly string[]): string {
  return inputErrors(() => {
    const { anchors } = embeddedAnchors(source);
    if (!anchors.some((anchor) => fingerprints.includes(anchor.fingerprint))) return source.text;
    const left = withAnchors(anchors, { drop: fingerprints });
    if (left.length === 0) {
      throw wrongUse(
        `${source.what} would trust no CA at all after that`,
        'add the new CA first: reroot kubeconfig add --ca NEW.crt FILE',
      );
    }
    return setCA(source.text, toPem(left), source.choice, source.what);
  });
}

function embeddedAnchors(source: Source): Material {
  const material = materialIn(source);
  const { ca, cluster } = material.seen;
  if (material.anchors.length > 0) return material;
  const where = `${source.what}: the cluster ${cluster ?? ''}`.trimEnd();
  if (ca?.path) {
    throw wrongUse(
      `${where} takes its CA from the file ${ca.path}`,
      `change that file: it is a PEM bundle, cat NEW.crt >> ${ca.path} adds to it`,
    );
  }
  throw wrongUse(`${where} has no CA: it trusts what this machine trusts`, 'there is nothing in it to change');
}

export interface Reissued {
  text: string;
  before: Certificate;
  after: Certificate;
}

/**
 * The text with the user's client certificate issued by another CA: the same subject and usages, the same key unless `newKey`, as long a life from `now`
 * (milliseconds since the epoch), cut to the CA's.
 */
export function reissueClient(source: Source, issuer: Issuer, options: { now: number; newKey: boolean }): Reissued {
  return inputErrors(() => {
    const { certificate: before, keyType } = clientPair(source);
    const key = options.newKey ? generateKey(keyType) : undefined;
    const after = reissueLeaf(before, issuer, { now: options.now, ...(key ? { publicKey: key } : {}) });
    const text = setClient(source.text, after.pem, key ? keyToPem(key) : undefined, source.choice, source.what);
    return { text, before, after };
  });
}

/** The text with a client certificate that somebody else issued for the key in it. */
export function replaceClient(source: Source, chainPem: string): Reissued {
  return inputErrors(() => {
    const { certificate: before, key } = clientPair(source);
    const [after, ...chain] = requireCertificates(chainPem, 'the certificate that was issued');
    if (!matches(after, key))
      throw wrongUse('the certificate that was issued is for another key than the one in the kubeconfig');
    return {
      text: setClient(source.text, toPem([after, ...chain]), undefined, source.choice, source.what),
      before,
      after,
    };
  });
}

/** The client certificate and its key, which must be embedded and belong together. */
export function clientPair(source: Source): {
  certificate: Certificate;
  key: ReturnType<typeof parsePrivateKey>;
  keyType: KeyType;
} {
  return inputErrors(() => {
    const { seen, client } = materialIn(source);
    const [certificate] = client;
    const user = `${source.what}: user ${seen.user ?? ''}`.trimEnd();
    if (!certificate) throw wrongUse(whyNoClient(seen, user));
    if (seen.key?.pem === undefined) {
      throw wrongUse(
        `${user} has its key in another place (${seen.key?.path ?? 'none is named'})`,
        'embed it first: kubectl config view --raw --flatten',
      );
    }
    const key = parsePrivateKey(seen.key.pem, `the client key in ${source.what}`);
    if (!matches(certificate, key))
      throw wrongUse(`${user}: the client certificate and its key do not belong together`);
    const keyType = KEY_TYPES.find((type) => type === certificate.keyType) ?? 'RSA-2048';
    return { certificate, key, keyType };
  });
}

function whyNoClient(seen: KubeconfigSeen, user: string): string {
  if (seen.client?.path) return `${user} has its certificate in the file ${seen.client.path}: it is not embedded`;
  if (seen.plugin) return `${user} logs in by ${seen.plugin}: there is no client certificate to reissue`;
  if (seen.token) return `${user} logs in by a token: there is no client certificate to reissue`;
  return `${user} has no client certificate`;
}

/** Material and YAML that cannot be used as given are wrong use here: the user named the files, and nothing was changed. */
export function inputErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof PkiError || thrown instanceof RerootError) throw wrongUse(thrown.message, ...thrown.hints);
    throw thrown;
  }
}
