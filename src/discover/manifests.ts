// Static pod manifests, and files of the same shape: the flags that a component's next start will read.

import { posix } from 'node:path';
import { type Document, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { NodeAccess } from '../nodes/access.ts';
import { findFiles, readFiles } from '../nodes/files.ts';
import { parseArgv } from './argv.ts';

export interface ManifestSeen {
  path: string;
  component: string;
  flags: Record<string, string[]>;
  /** Tag of the container's image without a leading `v`, where it is a version. */
  version?: string;
  changedAt: number;
}

/** Looks in static pod folders (their files only, as the kubelet does) and below other folders for `manifests/COMPONENT.yaml`. */
export async function findManifests(
  access: NodeAccess,
  folders: { staticPods: readonly string[]; others: readonly string[]; components: readonly string[] },
): Promise<ManifestSeen[]> {
  const [own, other] = await Promise.all([
    findFiles(access, folders.staticPods, ['*.yaml', '*.yml', '*.json', '*.manifest'], { depth: 1 }),
    findFiles(
      access,
      folders.others,
      folders.components.map((name) => `${name}.yaml`),
    ),
  ]);
  const hidden = (path: string): boolean => posix.basename(path).startsWith('.'); // K:pkg/kubelet/config/file.go glob [^.]*
  const paths = [...own.filter((path) => !hidden(path)), ...other.filter((path) => /\/manifests\/[^/]+$/.test(path))];
  const seen = await readFiles(access, paths);
  return [...seen.values()].flatMap((file) =>
    file.bytes === undefined ? [] : parseManifest(file.path, file.bytes.toString('utf8'), file.changedAt),
  );
}

const words = z.array(z.union([z.string(), z.number(), z.boolean()])).nullish();
/** What is looked at of a v1 Pod. Anything may lie in these folders, so nothing of it is taken for granted. */
const podShape = z.object({
  spec: z.object({ containers: z.array(z.object({ command: words, args: words, image: z.string().nullish() })) }),
});

/** One row a container that names its program; text that is no Pod gives none: it is the kubelet's business to complain. */
export function parseManifest(path: string, text: string, changedAt: number): ManifestSeen[] {
  return parseAllDocuments(text).flatMap((document) =>
    containersOf(document).flatMap((container): ManifestSeen[] => {
      const argv = [...(container.command ?? []), ...(container.args ?? [])].map(String);
      if (argv.length === 0) return [];
      const { name, flags } = parseArgv(argv);
      const version = /:v?(\d+\.\d+\.\d+)(?:[-@].*)?$/.exec(container.image ?? '')?.[1];
      return [{ path, component: name, flags, changedAt, ...(version === undefined ? {} : { version }) }];
    }),
  );
}

function containersOf(document: Document): z.infer<typeof podShape>['spec']['containers'] {
  if (document.errors.length > 0) return [];
  try {
    return podShape.parse(document.toJS()).spec.containers;
  } catch {
    // Another shape, or an alias without its anchor: that one is found only here.
    return [];
  }
}
