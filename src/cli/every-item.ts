import type { Client, Json } from './client.js';

interface Listed {
  readonly items: readonly Json[];
  readonly next_cursor: string | null;
}

/** The items of a list, of all of its pages. */
export async function everyItem(
  client: Client,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Json[]> {
  const items: Json[] = [];
  let cursor: string | undefined;
  do {
    const { value } = await client.get<Listed>(path, { ...query, limit: 1000, cursor });
    items.push(...value.items);
    cursor = value.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}
