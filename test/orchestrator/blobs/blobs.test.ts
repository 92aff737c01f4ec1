import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemIds } from '../../../src/base/ids.js';
import { type CollectableBlobs, createBlobs } from '../../../src/orchestrator/blobs/blobs.js';

const CONTENT = Buffer.from('a blob');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

let dir: string;
let blobs: CollectableBlobs;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tutti-blobs-'));
  blobs = createBlobs({
    dir,
    maxBytes: 1000,
    ids: systemIds,
    store: { get: async () => undefined },
    commit: async (blob) => ({ ok: true, kind: 'done', body: { ...blob } }),
  });
});
afterEach(() => rm(dir, { recursive: true }));

/** An upload whose connection is lost right after it has begun, before anybody reads it. */
function brokenOff(): Readable {
  const content = new PassThrough();
  content.destroy(new Error('aborted'));
  return content;
}

describe('an upload that breaks off before it is read', () => {
  it('is refused and harms nobody', async () => {
    expect(await blobs.put(SHA256, brokenOff())).toMatchObject({ ok: false, code: 'upload_broken' });
  });

  it('an upload of an existing blob that breaks off is harmless', async () => {
    expect(await blobs.put(SHA256, Readable.from([CONTENT]))).toMatchObject({ ok: true, existed: false });
    expect(await blobs.put(SHA256, brokenOff())).toMatchObject({ ok: false, code: 'upload_broken' });
    expect(await blobs.put(SHA256, Readable.from([CONTENT]))).toMatchObject({ ok: true, existed: true });
  });
});

it('leaves nothing behind of uploads to a process that is gone, and what is whole stays', async () => {
  await blobs.put(SHA256, Readable.from([CONTENT]));
  await writeFile(join(dir, `${systemIds.uuid()}.part`), 'half of it');
  await blobs.tidy();
  expect(await readdir(dir)).toEqual([SHA256.slice(0, 2)]);
});
