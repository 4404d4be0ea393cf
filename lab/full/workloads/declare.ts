// Tells the lab's reroot.yaml of files that no component's flags name.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseDocument } from 'yaml';

export interface Declared {
  node: string;
  component: string;
  paths: readonly string[];
}

/** The text with these under `nodes.NODE.components`; comments and all else stay. */
export function withDeclared(text: string, all: readonly Declared[]): string {
  const document = parseDocument(text);
  for (const { node, component, paths } of all) {
    document.setIn(['nodes', node, 'components', component, 'paths'], document.createNode(paths));
  }
  return document.toString({ lineWidth: 0 });
}

export function declare(config: string, all: readonly Declared[]): void {
  writeFileSync(`${config}.new`, withDeclared(readFileSync(config, 'utf8'), all));
  renameSync(`${config}.new`, config);
}
