/** What a command writes, without its secrets: wherever it is cut, and however it is read. */
import { describe, expect, it } from 'vitest';
import { MaskedLog } from '../../../nodes/agent/masked-log.js';
import { SecretMask } from '../../../src/sdk/secret-mask.js';

const SECRETS = ['hunter2', 'hunting', 'first line\nabc\nsecond line\n', 'ünique'];
const WRITTEN = Buffer.from(
  'hunter2 at the beginning, hunhunter2\nfirst line\nabc\nsecond line\nünique hunter hunter2hunting at the end: hunter2',
);
const STARS = (text: string) => '*'.repeat(Buffer.byteLength(text));
const MASKED = ['hunter2', 'hunting', 'first line', 'second line', 'ünique'].reduce(
  (text, secret) => text.replaceAll(secret, STARS(secret)),
  WRITTEN.toString(),
);

/** A stream of which so many bytes have been written. */
function streamOf(sizes: { written: number }): MaskedLog {
  return new MaskedLog(
    {
      readLog: async (_key, _stream, { offset = 0, maxBytes }) =>
        WRITTEN.subarray(offset, Math.min(offset + maxBytes, sizes.written)),
    },
    new SecretMask(SECRETS),
  );
}

async function read(log: MaskedLog, offset: number, maxBytes: number): Promise<Buffer> {
  return Buffer.from((await log.readLog('e1', 'stdout', { offset, maxBytes }))!);
}

describe('the log of a command', () => {
  it.each([1, 2, 3, 5, 8, 13, 1000])('is masked alike when it is read in pieces of %i', async (maxBytes) => {
    const log = streamOf({ written: WRITTEN.byteLength });
    log.isComplete = true;
    const pieces: Buffer[] = [];
    for (let offset = 0; offset < WRITTEN.byteLength; ) {
      const piece = await read(log, offset, maxBytes);
      pieces.push(piece);
      offset += piece.byteLength;
    }
    expect(Buffer.concat(pieces).toString()).toBe(MASKED);
  });

  it('is masked alike wherever a look finds it half written', async () => {
    for (let first = 0; first <= WRITTEN.byteLength; first += 1) {
      const sizes = { written: first };
      const log = streamOf(sizes);
      const early = await read(log, 0, 1000);
      sizes.written = WRITTEN.byteLength;
      log.isComplete = true;
      const late = await read(log, early.byteLength, 1000);
      expect(Buffer.concat([early, late]).toString()).toBe(MASKED);
    }
  });

  it('gives its last bytes as they are once it is complete, also where they look like the beginning of a secret', async () => {
    const log = streamOf({ written: WRITTEN.byteLength - 1 });
    expect((await read(log, 0, 1000)).byteLength).toBe(WRITTEN.byteLength - 'hunter2'.length);
    log.isComplete = true;
    expect((await read(log, 0, 1000)).toString().endsWith('hunter')).toBe(true);
  });

  it('is read as it is where there are no secrets of four bytes or more', async () => {
    const mask = new SecretMask(['abc', '']);
    expect(mask.longest).toBe(0);
    expect(mask.text('abc')).toBe('abc');
  });
});
