/** Leftovers of problems: the oldest events of the stream, blobs without references, expired answers to requests. */

import { entriesOf } from '../../store/pages.js';
import { DELETES_AT_ONCE } from '../proposals/proposals.js';
import * as tables from '../tables/tables.js';
import { cursorOf } from '../tables/tables.js';
import { type Pass, remove } from './pass.js';

/** Whole pages from the old end, as long as enough stay; 0: all. Returns how many events are gone. */
export async function forgetEvents(pass: Pass, keepEvents: number): Promise<number> {
  if (keepEvents === 0) return 0;
  const upTo = (await cursorOf(pass.store)) - keepEvents;
  if (upTo <= 0) return 0;
  return (await remove(pass, { kind: 'remove events', upTo })).count;
}

/** `collect`: takes a blob's row by `take`, then its file, with nobody uploading it meanwhile. Returns how many are gone. */
export async function forgetBlobs(
  pass: Pass,
  collect: (sha256: string, take: () => Promise<boolean>) => Promise<void>,
): Promise<number> {
  let blobs = 0;
  for await (const { key, value } of entriesOf(pass.store, 'blobs')) {
    if (pass.signal.aborted) break;
    const sha256 = String(key[0]);
    if (tables.blobs.decode(value).lease_until > pass.wallMs()) continue;
    const [reference] = await pass.store.keys('blob_refs', { prefix: [sha256], limit: 1 });
    if (reference) continue;
    await collect(sha256, async () => {
      const { count } = await remove(pass, { kind: 'remove blob', sha256 });
      blobs += count;
      return count > 0;
    });
  }
  return blobs;
}

/** Returns how many idempotency keys are gone. */
export async function forgetAnswers(pass: Pass): Promise<number> {
  for (let keys = 0; ; ) {
    const limit = DELETES_AT_ONCE / 2;
    const page = await pass.store.keys('idempotency_by_time', { prefix: [], limit });
    const expired = page
      .map(([at, key]): readonly [number, string] => [Number(at), String(key)])
      .filter(([at]) => at <= pass.wallMs());
    if (expired.length === 0 || pass.signal.aborted) return keys;
    const { count } = await remove(pass, { kind: 'remove answers', expired });
    keys += count;
    // Otherwise the same ones would be proposed again.
    if (count < expired.length || expired.length < page.length) return keys;
  }
}
