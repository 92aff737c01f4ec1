/** Blobs that an agent keeps: what is read is right, however the folder looks, and the folder stays small. */
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BlobClient, blobOf } from '../../src/sdk/blobs.js';
import { CachedBlobs } from '../../src/sdk/cached-blobs.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const { signal } = new AbortController();
const contentOf = (letter: string) => Buffer.from(letter.repeat(100));

let dir: string;
let fetched: string[];
let nowMs: number;
let warnings: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tutti-blobs-'));
  [fetched, warnings, nowMs] = [[], [], Date.now()];
});
afterEach(() => rm(dir, { recursive: true }));

function open(maxBytes = 250): CachedBlobs {
  const inner: BlobClient = {
    get: async (_blob, url) => {
      fetched.push(url);
      return contentOf(url);
    },
    put: async () => {},
    putFile: async () => {},
    setBase: () => {},
    setToken: () => {},
  };
  const logger = { warn: (_fields: object, message: string) => void warnings.push(message) };
  return new CachedBlobs(inner, { dir, logger: logger as never, nowMs: () => nowMs, maxBytes });
}

async function get(blobs: CachedBlobs, letter: string): Promise<void> {
  expect(Buffer.from(await blobs.get(blobOf(contentOf(letter)), letter, signal))).toEqual(contentOf(letter));
}

describe('the blobs of an agent', () => {
  it('are fetched once, also over its end', async () => {
    const blobs = open();
    await get(blobs, 'a');
    await get(blobs, 'a');
    await get(open(), 'a');
    expect(fetched).toEqual(['a']);
  });

  it('are fetched again where their file has other content, or is gone', async () => {
    const blobs = open();
    await get(blobs, 'a');
    const [name] = await readdir(dir);
    await writeFile(join(dir, name!), contentOf('x'));
    await get(blobs, 'a');
    expect(await readFile(join(dir, name!))).toEqual(contentOf('a'));
    await rm(join(dir, name!));
    await get(blobs, 'a');
    expect(fetched).toEqual(['a', 'a', 'a']);
  });

  it('go where they are too many, the least recently used first', async () => {
    const blobs = open();
    for (const letter of ['a', 'b', 'a', 'c']) {
      nowMs += 1000;
      await get(blobs, letter);
    }
    expect((await readdir(dir)).length).toBe(2);
    await get(open(), 'a');
    expect(fetched).toEqual(['a', 'b', 'c']);
  });

  it('go after a day without use, and what is not a blob goes at once', async () => {
    await get(open(), 'a');
    await writeFile(join(dir, 'half.part'), 'half');
    const [name] = (await readdir(dir)).filter((one) => one.length === 64);
    const then = (nowMs - DAY_MS - 1000) / 1000;
    await utimes(join(dir, name!), then, then);
    const blobs = open();
    expect(await readdir(dir)).toEqual([name]);
    await blobs.tidy();
    expect(await readdir(dir)).toEqual([]);
  });

  it('are given also where they cannot be kept, and the log says so', async () => {
    const blobs = open();
    await rm(dir, { recursive: true });
    await get(blobs, 'a');
    expect(warnings).toEqual([expect.stringContaining('could not be kept')]);
    await open();
  });
});
