// One command a node instead of one a file: a step proves dozens of files at once, and each command costs a connection or a few processes.

import type { NodeAccess } from '../nodes/access.ts';
import { type FileSeen, readFiles } from '../nodes/files.ts';

interface Batch {
  paths: Set<string>;
  answer: Promise<ReadonlyMap<string, FileSeen>>;
}

/** A reader that gathers what is asked for within one turn of the event loop, by node. The answer of a batch holds all of its files. */
export function batchedReader(accessOf: (node: string) => NodeAccess) {
  const open = new Map<string, Batch>();
  return (node: string, paths: readonly string[]): Promise<ReadonlyMap<string, FileSeen>> => {
    const batch = open.get(node) ?? begin(node);
    for (const path of paths) batch.paths.add(path);
    return batch.answer;
  };

  function begin(node: string): Batch {
    const paths = new Set<string>();
    const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      open.delete(node);
      return readFiles(accessOf(node), [...paths]);
    });
    const batch = { paths, answer };
    open.set(node, batch);
    return batch;
  }
}
