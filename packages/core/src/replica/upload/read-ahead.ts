/**
 * Gives what `source` gives, in its order, and has the next one made meanwhile: one that is ready or in the making, no more.
 *
 * A failure comes in its turn, after all that was made before it. A consumer that leaves waits until what is in the making has come to its end.
 */
export async function* readAhead<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  let next = items.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = items.next();
      next.catch(() => {}); // reported when it is awaited above
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await items.return?.();
  }
}
