/** Lists that are handed out page by page, read to their end. */

/** The most that a page may have. */
const PAGE_LIMIT = 1000;

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** Fetches a page when the items of the one before have been taken. */
export async function* everyItem<T>(
  fetchPage: (page: { limit: number; cursor?: string }) => Promise<Page<T>>,
  limit: number = PAGE_LIMIT,
): AsyncGenerator<T> {
  let cursor: string | null = null;
  do {
    const page: Page<T> = await fetchPage({ limit, ...(cursor !== null && { cursor }) });
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
