// Two things at once; when one fails, the other is ended, and waited for.

type Task<T> = (signal: AbortSignal) => Promise<T>;

/** Throws what failed first. `outer` ends both. */
export async function together<A, B>(outer: AbortSignal | undefined, tasks: [Task<A>, Task<B>]): Promise<[A, B]> {
  const own = new AbortController();
  const signal = outer ? AbortSignal.any([outer, own.signal]) : own.signal;
  let first: { thrown: unknown } | undefined;
  const watched = async <T>(task: Task<T>): Promise<T> => {
    try {
      return await task(signal);
    } catch (thrown) {
      first ??= { thrown };
      own.abort();
      throw thrown;
    }
  };
  const [a, b] = await Promise.allSettled([watched(tasks[0]), watched(tasks[1])]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  throw first?.thrown;
}
