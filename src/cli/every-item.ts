import { everyItem as everyItemOf, listOf } from '../base/every-item.js';
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
  return listOf(everyItemOf(async (page) => (await client.get<Listed>(path, { ...query, ...page })).value));
}
