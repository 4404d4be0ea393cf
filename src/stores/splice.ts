import { isDeepStrictEqual } from 'node:util';
import { type Document, isAlias, isNode, isScalar, type Node, parseDocument, Scalar } from 'yaml';
import { EXIT, RerootError, reasonOf } from '../errors.ts';

// YAML is edited by replacing the characters of one value: writing a parsed document out again would re-indent lists and move comments.

export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Parses one document; `what` names it in errors. */
export function parseYaml(text: string, what: string): Document.Parsed {
  const document = parseDocument(text);
  const [broken] = document.errors;
  const reason = broken?.message ?? brokenAlias(document);
  if (reason !== undefined) throw cannotEdit(what, `it is not YAML: ${reason.split('\n')[0]}`);
  return document;
}

/** An alias to nothing is found by what follows aliases only. */
function brokenAlias(document: Document): string | undefined {
  try {
    document.toJS();
    return undefined;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

export const cannotEdit = (what: string, why: string, ...hints: string[]): RerootError =>
  new RerootError(EXIT.failedSafe, `cannot edit ${what}: ${why}`, { hints });

/** Replaces a value by a string, in the quotes it has. An alias (`*x`) is replaced itself, not what it points to. */
export function replaceValue(source: string, node: unknown, value: string): Edit {
  if (!isNode(node) || !node.range) throw new Error('no place in the text');
  const [start, end] = node.range;
  const block = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
  const newline = block && source.slice(start, end).endsWith('\n') ? '\n' : '';
  return { start, end, text: quoted(value, isScalar(node) ? node.type : undefined) + newline };
}

/** A value as YAML, in the quotes asked for; plain only where that says the same string. */
export function quoted(value: string, like?: Scalar.Type | null): string {
  if (like === Scalar.QUOTE_DOUBLE) return JSON.stringify(value);
  if (like === Scalar.QUOTE_SINGLE && !/[\n\r]/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return isPlain(value) ? value : JSON.stringify(value);
}

function isPlain(value: string): boolean {
  if (!/^[\w@%+=./:,-]+$/.test(value) || /[:,]$|^[@%,:?-]$|^[@%,]|: /.test(value)) return false;
  return parseDocument(value).toJS() === value && parseDocument(`[${value}]`).toJS()?.[0] === value;
}

/**
 * Applies edits that do not overlap, and makes sure that the text now says `expected` (what it said before, changed as wanted) and nothing else:
 * anchors, merge keys or an odd style could make an edit mean more than it should. Then nothing is changed and it throws.
 */
export function applyEdits(source: string, edits: readonly Edit[], expected: unknown, what: string): string {
  const ordered = [...edits].sort((a, b) => b.start - a.start);
  const text = ordered.reduce((at, edit) => at.slice(0, edit.start) + edit.text + at.slice(edit.end), source);
  const after = parseDocument(text);
  if (after.errors.length > 0 || brokenAlias(after) !== undefined || !isDeepStrictEqual(after.toJS(), expected))
    throw cannotEdit(
      what,
      'its YAML uses something that an edit in place would change as well',
      'edit it by hand: write plain YAML without anchors',
    );
  return text;
}

/** The node itself, an alias not followed. */
export const rawNode = (parent: unknown, key: string | number): Node | undefined => {
  if (typeof parent !== 'object' || parent === null || !('get' in parent)) return undefined;
  const node = (parent as { get(key: unknown, keepScalar: boolean): unknown }).get(key, true);
  return isNode(node) || isAlias(node) ? (node as Node) : undefined;
};
