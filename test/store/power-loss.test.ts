/** A loss of power at any moment: of what was not synced, any part is gone. What was acknowledged is there, and half of nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/lmdb.js';
import type { Key } from '../../src/store/store.js';
import { bundleChild, startChild } from '../support/child.js';
import type { StoreRequest, TimedOutcome } from '../support/lmdb-child.js';
import { losePower } from '../support/power-loss.js';
import { buildSlowSync } from '../support/slow-sync.js';

const KEYS_OF_A_COMMIT = 4;
const ROUNDS = 3;
const MOST_ROUNDS = 15;

let file: string;
let shim: string | undefined;

beforeAll(async () => {
  [file, shim] = await Promise.all([
    bundleChild(join(import.meta.dirname, '../support/lmdb-child.ts')),
    buildSlowSync(),
  ]);
});
afterAll(() => Promise.all([file, shim].map((path) => path && rm(join(path, '..'), { recursive: true }))));

/** Even without luck, all that was not synced is gone once, and every second page of it otherwise. */
const LOSSES: readonly (readonly [string, () => boolean])[] = [
  ['everything', () => false],
  ['a random half', () => Math.random() < 0.5],
  ['a random tenth', () => Math.random() < 0.9],
];

describe('a store that loses power', () => {
  it.each(LOSSES)(
    'a store that loses power and %s of the unsynced writes keeps every acknowledged commit whole',
    async (_, isKept) => {
      if (shim === undefined) return;
      const dir = await mkdtemp(join(tmpdir(), 'tutti-power-'));
      const undoLog = join(dir, 'undo');
      const place = join(dir, 'store');
      const acknowledged: number[] = [];
      let lost = 0;
      // At the moment of a kill, there may happen to be nothing to lose.
      for (let round = 0; round < ROUNDS || (lost === 0 && round < MOST_ROUNDS); round += 1) {
        const child = startChild(file, { LD_PRELOAD: shim, TUTTI_UNDO_LOG: undoLog });
        const ask = <T>(request: StoreRequest) => child.ask<T>(request);
        await ask({ do: 'open', dir: place });
        const epoch = await ask<number>({ do: 'reign' });
        const commits = Array.from({ length: 300 }, async (_, i) => {
          const n = round * 1000 + i;
          const keys = Array.from({ length: KEYS_OF_A_COMMIT }, (_, part): Key => [n, part]);
          const { outcome } = await ask<TimedOutcome>({ do: 'commit', epoch, keys, bytes: 3000 });
          if (outcome.kind === 'committed') acknowledged.push(n);
          // The tables are written meanwhile: there is something to lose.
          if (i === 100 + (round % ROUNDS) * 60) await child.kill();
        });
        await Promise.allSettled(commits);
        lost += await losePower(place, undoLog, isKept);
        await rm(undoLog);
        const store = await openStore({ dir: place });
        await store.reign();
        const found = new Map<unknown, number>();
        for (const [n] of await store.keys('events', { prefix: [] })) found.set(n, (found.get(n) ?? 0) + 1);
        await store.close();
        for (const n of acknowledged) expect(found.get(n)).toBe(KEYS_OF_A_COMMIT);
        expect(new Set(found.values())).toEqual(new Set([KEYS_OF_A_COMMIT]));
      }
      expect(acknowledged.length).toBeGreaterThan(300);
      expect(lost).toBeGreaterThan(0);
      await rm(dir, { recursive: true });
    },
    120_000,
  );
});
