/** Lists, which are fetched page by page while they are read. */
const PAGE_SIZE = 1000;

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export async function* everyItem<T>(
  fetchPage: (page: { limit: number; cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let cursor: string | null = null;
  do {
    const page: Page<T> = await fetchPage({ limit: PAGE_SIZE, ...(cursor !== null && { cursor }) });
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
