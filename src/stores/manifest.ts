import { basename } from 'node:path/posix';
import { type Document, isMap, isScalar, isSeq, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { applyEdits, cannotEdit, type Edit, parseYaml, quoted, rawNode, replaceValue } from './splice.ts';

export interface ManifestContainer {
  name: string;
  /** `command` and `args` in a row. */
  argv: string[];
}

interface Shape {
  kind?: string;
  metadata?: { annotations?: Record<string, string> };
  spec?: { containers?: { name?: string; command?: string[]; args?: string[] }[] };
}

/** The containers of a static pod's manifest (or of anything of its shape). */
export function readManifest(text: string, what = 'the manifest'): ManifestContainer[] {
  const shape = shapeOf(parseYaml(text, what), what);
  return containersOf(shape).map(({ name = '', command = [], args = [] }) => ({
    name,
    argv: [...command, ...args].map(String),
  }));
}

/**
 * Sets flags of a component (name without dashes; undefined takes the flag away) and leaves every other byte as it is. A new flag goes to the end of
 * the list that has the flags. With several containers `component` says which; a flag that is given twice is refused.
 */
export function setFlags(
  text: string,
  flags: Readonly<Record<string, string | undefined>>,
  options: { component?: string; what?: string } = {},
): string {
  const { component, what = 'the manifest' } = options;
  const document = parseYaml(text, what);
  const expected = structuredClone(shapeOf(document, what));
  const index = containerIndex(containersOf(expected), component, what);
  const container = containersOf(expected)[index] ?? {};
  const lists = (['command', 'args'] as const).filter((key) => (container[key] ?? []).length > 0);
  const target = lists.findLast((key) => container[key]?.some((item) => String(item).startsWith('-'))) ?? lists.at(-1);
  if (!target) throw cannotEdit(what, 'its container has no command');

  const node = document.getIn(['spec', 'containers', index], true);
  const changes = Object.entries(flags).map(([name, value]) => ({
    name,
    value,
    found: findFlag(container, lists, name, what),
  }));
  const added = changes.flatMap(({ name, value, found }) =>
    found || value === undefined ? [] : [`--${name}=${value}`],
  );
  const edits: Edit[] = [];
  for (const list of lists) {
    const seq = rawNode(node, list) as YAMLSeq;
    container[list] = (container[list] ?? []).flatMap((item, at) => {
      const next = itemAfter(String(item), { list, at }, changes);
      if (next === String(item)) return [item];
      edits.push(next === undefined ? removal(text, seq, at, what) : replaceValue(text, rawNode(seq, at), next));
      return next === undefined ? [] : [next];
    });
    if (list !== target || added.length === 0) continue;
    edits.push(insertion(text, seq, added));
    container[list].push(...added);
  }
  return applyEdits(text, edits, expected, what);
}

interface Change {
  name: string;
  value: string | undefined;
  found: Found | undefined;
}

/** What an item of the list says after the changes; undefined when it goes. */
function itemAfter(item: string, place: { list: string; at: number }, changes: readonly Change[]): string | undefined {
  const change = changes.find(
    ({ found }) => found?.list === place.list && place.at >= found.at && place.at <= found.valueAt,
  );
  if (!change?.found) return item;
  const { name, value, found } = change;
  if (value === undefined) return undefined;
  if (place.at < found.valueAt) return item;
  return found.valueAt > found.at ? value : `--${name}=${value}`;
}

interface Found {
  list: 'command' | 'args';
  at: number;
  /** The item with the value: the same for `--flag=value`, the next for `--flag value`. */
  valueAt: number;
}

function findFlag(
  container: { command?: string[]; args?: string[] },
  lists: readonly ('command' | 'args')[],
  name: string,
  what: string,
): Found | undefined {
  const found: Found[] = [];
  for (const list of lists) {
    const items = (container[list] ?? []).map(String);
    items.forEach((item, at) => {
      if (item.startsWith(`--${name}=`)) found.push({ list, at, valueAt: at });
      else if (item === `--${name}`)
        found.push({ list, at, valueAt: items[at + 1]?.startsWith('-') === false ? at + 1 : at });
    });
  }
  if (found.length > 1)
    throw cannotEdit(what, `--${name} is given ${found.length} times`, 'leave one of them and run the command again');
  return found[0];
}

/** New items after the last one, on lines of their own with its indentation, or in the brackets. */
function insertion(text: string, seq: YAMLSeq, items: readonly string[]): Edit {
  const last = seq.items.at(-1) as Scalar;
  const [start, end] = last.range ?? [0, 0];
  if (seq.flow) return { start: end, end, text: items.map((item) => `, ${quoted(item, last.type)}`).join('') };
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const at = lineEnd(text, end);
  const lines = items.map((item) => `${indent}${quoted(item, last.type)}${eol}`).join('');
  return text[at - 1] === '\n'
    ? { start: at, end: at, text: lines }
    : { start: at, end: at, text: eol + lines.slice(0, -eol.length) };
}

/** Where the line that a value ends on ends, its newline included. */
function lineEnd(text: string, end: number): number {
  if (text[end - 1] === '\n') return end;
  const newline = text.indexOf('\n', end);
  return newline < 0 ? text.length : newline + 1;
}

function removal(text: string, seq: YAMLSeq, at: number, what: string): Edit {
  const [start, end] = (seq.items[at] as Scalar).range ?? [0, 0];
  if (seq.flow || at === 0)
    throw cannotEdit(what, 'a flag cannot be taken out of a list in brackets', 'write the command as a list of lines');
  return { start: text.lastIndexOf('\n', start - 1) + 1, end: lineEnd(text, end), text: '' };
}

/** Sets an annotation of the pod; the kubelet restarts a static pod when its manifest changes in any way. */
export function setAnnotation(text: string, key: string, value: string, what = 'the manifest'): string {
  const document = parseYaml(text, what);
  const expected = structuredClone(shapeOf(document, what));
  const metadata = document.get('metadata', true);
  if (!isMap(metadata) || metadata.items.length === 0) throw cannotEdit(what, 'it has no metadata');
  const annotations = metadata.get('annotations', true);
  expected.metadata = { ...expected.metadata, annotations: { ...expected.metadata?.annotations, [key]: value } };
  const entry = `${quoted(key)}: ${JSON.stringify(value)}`;
  if (isMap(annotations) && annotations.has(key))
    return applyEdits(text, [replaceValue(text, rawNode(annotations, key), value)], expected, what);
  if (isMap(annotations) && annotations.items.length > 0)
    return applyEdits(text, [pairBefore(text, annotations, [entry])], expected, what);
  if (annotations !== undefined)
    throw cannotEdit(what, 'its annotations are empty or not a map', 'remove the key and run the command again');
  return applyEdits(
    text,
    [pairBefore(text, metadata, metadata.flow ? [`"annotations": {${entry}}`] : ['annotations:', `  ${entry}`])],
    expected,
    what,
  );
}

/** New lines before a map's first key, with its indentation. */
function pairBefore(text: string, map: YAMLMap, lines: readonly string[]): Edit {
  const key = map.items[0]?.key;
  const start = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
  if (map.flow) return { start, end: start, text: `${lines.join(' ')}, ` };
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return { start, end: start, text: lines.map((line) => `${line}${eol}${indent}`).join('') };
}

function shapeOf(document: Document, what: string): Shape {
  const shape: unknown = document.toJS();
  const containers = typeof shape === 'object' && shape !== null ? (shape as Shape).spec?.containers : undefined;
  if (!Array.isArray(containers) || !isSeq(document.getIn(['spec', 'containers'], true)))
    throw cannotEdit(what, 'it is not the manifest of a pod: spec.containers is missing');
  return shape as Shape;
}

const containersOf = (shape: Shape) => shape.spec?.containers ?? [];

function containerIndex(
  containers: ReturnType<typeof containersOf>,
  component: string | undefined,
  what: string,
): number {
  if (containers.length === 1) return 0;
  const index = containers.findIndex(
    ({ name, command }) => name === component || basename(String(command?.[0] ?? '')) === component,
  );
  if (component === undefined || index < 0)
    throw cannotEdit(what, `it has ${containers.length} containers and none is ${component ?? 'named'}`);
  return index;
}
