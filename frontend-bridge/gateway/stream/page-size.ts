/** How many events to read for a viewer at once, so that a page stays near this size whatever the events weigh: bytes. */
const PAGE_BYTES = 256 * 1024;
const SMALLEST_PAGE = 8;
const LARGEST_PAGE = 512;

export const FIRST_PAGE = 64;

/** The next page's events, after one of `size` events that weighed `bytes`. */
export function nextPageSize(size: number, bytes: number): number {
  if (bytes > PAGE_BYTES) return Math.max(SMALLEST_PAGE, size >> 1);
  return bytes < PAGE_BYTES / 2 ? Math.min(LARGEST_PAGE, size << 1) : size;
}
