// Lists read page by page, each object reduced at once: 150,000 Pods as the API sends them would not fit in memory.

import { ApiError, type Cluster } from '../cluster/client.ts';
import { RerootError, wrongUse } from '../errors.ts';

interface Page {
  items?: unknown[];
  metadata?: { continue?: string };
}

/** Objects a page; at most four are in memory as JSON while four lists run side by side. */
const PAGE = 500;

/**
 * Hands every object of a list to `reduce` and gives what it returned, undefined left out. A snapshot that was compacted away between two pages
 * (410) starts the list again. Throws wrongUse where the identity may not list, for half an inventory would be a wrong one.
 */
export async function listReduced<T, R>(
  cluster: Cluster,
  path: string,
  reduce: (object: T) => R | undefined,
  query: Record<string, string> = {},
): Promise<R[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await onePass(cluster, path, reduce, query);
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.status === 410 && attempt < 4) continue;
      throw explained(thrown, path);
    }
  }
}

async function onePass<T, R>(
  cluster: Cluster,
  path: string,
  reduce: (object: T) => R | undefined,
  query: Record<string, string>,
): Promise<R[]> {
  const results: R[] = [];
  let next = '';
  do {
    const page = await cluster.get<Page>(path, {
      query: { ...query, limit: String(PAGE), ...(next === '' ? {} : { continue: next }) },
    });
    for (const item of page.items ?? []) {
      const reduced = reduce(item as T);
      if (reduced !== undefined) results.push(reduced);
    }
    next = page.metadata?.continue ?? '';
  } while (next !== '');
  return results;
}

function explained(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof ApiError) || (thrown.status !== 401 && thrown.status !== 403)) return thrown;
  const hints = thrown instanceof RerootError ? thrown.hints : [];
  return wrongUse(`no permission to read ${path}: ${thrown.said}`, ...hints);
}
