import { describe, expect, it } from 'vitest';
import { everyItem, listOf } from '../../src/base/every-item.js';

describe('every item of a list', () => {
  const pages = new Map([
    [undefined, { items: [1, 2], next_cursor: 'b' }],
    // A page may be empty though more come.
    ['b', { items: [], next_cursor: 'c' }],
    ['c', { items: [3], next_cursor: null }],
  ]);

  it('comes in order, from all pages, empty ones in between included', async () => {
    expect(await listOf(everyItem(async ({ cursor }) => pages.get(cursor)!))).toEqual([1, 2, 3]);
  });

  it('is fetched when those before it have been taken', async () => {
    const asked: unknown[] = [];
    const items = everyItem(async (page) => {
      asked.push(page);
      return pages.get(page.cursor)!;
    }, 2);
    await items.next();
    await items.next();
    expect(asked).toEqual([{ limit: 2 }]);
    await items.next();
    expect(asked).toEqual([{ limit: 2 }, { limit: 2, cursor: 'b' }, { limit: 2, cursor: 'c' }]);
  });
});
