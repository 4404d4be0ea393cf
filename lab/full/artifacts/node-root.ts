// A node's root file system for one version of Kubernetes: the shared Debian by hard links, and a node's own files in it.

import { chmodSync, existsSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Cached, once } from '../../cached.ts';
import { cacheFolder } from '../../state.ts';
import { digest } from './digest.ts';
import { nodeTree, type Tree } from './node-recipe.ts';
import { run } from './run.ts';

export interface NodeRoot extends Cached {
  key: string;
  /** The lower layer of every node: never written to. */
  root: string;
}

/** To be raised when `make` changes what comes out. */
const RECIPE = 1;

/** Writes nothing. */
export function planNodeRoot(version: string, programKey: string, debianKey: string): NodeRoot {
  const key = digest([RECIPE, programKey, debianKey, nodeTree('PAUSE')]);
  const shelf = join(cacheFolder(), 'full/rootfs');
  const folder = join(shelf, `${version}-${key}`);
  const title = `the nodes' root file system for ${version}`;
  return { title, key, folder, lock: join(shelf, `${version}.lock`), root: join(folder, 'root') };
}

export interface NodeRootParts {
  debian: string;
  program: string;
  /** The name of the sandbox image. */
  pause: string;
}

export async function makeNodeRoot(
  plan: NodeRoot,
  { debian, program, pause }: NodeRootParts,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  await once(plan, say, async (making) => {
    const root = join(making, 'root');
    await run(['cp', '--archive', '--link', debian, root], { signal });
    plant(nodeTree(pause), root);
    linkSync(program, join(root, 'usr/bin/kube'));
  });
  return plan.root;
}

/** Replaces files, and never writes into one: the others are links to the shared Debian. */
export function plant(tree: Tree, root: string): void {
  for (const path of tree.without) rmSync(join(root, path), { recursive: true, force: true });
  for (const path of tree.folders) makeFolder(join(root, path));
  for (const [path, text] of Object.entries(tree.files)) {
    const at = cleared(root, path);
    writeFileSync(at, text);
    chmodSync(at, 0o644);
  }
  for (const [path, target] of Object.entries(tree.links)) {
    const at = cleared(root, path);
    symlinkSync(target, at);
  }
}

function cleared(root: string, path: string): string {
  const at = join(root, path);
  makeFolder(dirname(at));
  rmSync(at, { recursive: true, force: true });
  return at;
}

/** With those above it, for all to enter, whatever the umask is. */
function makeFolder(at: string): void {
  if (existsSync(at)) return;
  makeFolder(dirname(at));
  mkdirSync(at);
  chmodSync(at, 0o755);
}
