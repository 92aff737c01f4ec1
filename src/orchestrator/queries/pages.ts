/** Pages: keyset cursors that stay where they are while others write. */
import { keySize } from '../../store/key.js';
import type { Key } from '../../store/store.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import { refusal } from '../refusal.js';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 1000;
/** Of text: a page ends before it, however few of its items fit, but for a single larger one. No answer grows beyond it. */
export const MAX_PAGE_CHARACTERS: number = 4 * 1024 * 1024;

/** The key that a cursor stands for. A cursor is opaque to the world: base64url of the key as JSON. */
export function readCursor(cursor: string | undefined): Key | undefined | Refusal {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.every((part) => typeof part === 'string' || typeof part === 'number')) {
      keySize(key);
      return key;
    }
  } catch {
    // Falls through: what is not JSON, or no key of the store, is not a cursor of ours either.
  }
  return badCursor(cursor);
}

export function badCursor(cursor: string): Refusal {
  const message = `cursor ${JSON.stringify(cursor)} is not one of a page of this list`;
  return refusal('malformed', 'bad_cursor', message, {
    details: [{ path: 'cursor', code: 'bad_cursor', message: 'take it from next_cursor of the page before' }],
  });
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false;
}

export function writeCursor(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

export function limitOf(page: PageRequest): number {
  return Math.min(MAX_LIMIT, Math.max(1, page.limit ?? DEFAULT_LIMIT));
}

/** A page of what is all in memory, in its order. The cursor is the number of what came before. */
export function pageOf<T>(all: readonly T[], page: PageRequest): Page<T> | Refusal {
  const cursor = readCursor(page.cursor);
  if (isRefusal(cursor)) return cursor;
  const start = Number(cursor?.[0] ?? 0);
  const end = start + limitOf(page);
  return { items: all.slice(start, end), next_cursor: end < all.length ? writeCursor([end]) : null };
}
