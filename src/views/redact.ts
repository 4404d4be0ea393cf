// The last line of defence: what is printed or written by a view holds no private key, whatever it was handed.
// Callers must not rely on it; they never hand keys over.

const PEM_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
/** The same, inside a JSON string (newlines escaped) or base64 in a kubeconfig: `LS0tLS1CRUdJTi` is `-----BEGIN `. */
const BASE64_PEM = /\bLS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,}/g;
const AGE_KEY = /AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]+/gi;

const HIDDEN = '[private key hidden]';

/** The text with PEM private keys (plain and in base64) and age identities taken out. */
export function withoutKeys(text: string): string {
  return text
    .replace(PEM_KEY, HIDDEN)
    .replace(BASE64_PEM, (found) => (/PRIVATE KEY/.test(decoded(found)) ? HIDDEN : found))
    .replace(AGE_KEY, HIDDEN);
}

const decoded = (base64: string): string => Buffer.from(base64.slice(0, 96), 'base64').toString('latin1');

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;

/** Text of others (server answers, names) for a terminal: no keys, and no escape sequence that would move the cursor or set a title. */
export const printable = (text: string): string => withoutKeys(text).replace(CONTROL, ' ');
