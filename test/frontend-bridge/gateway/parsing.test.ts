import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { measure, Parsing } from '../../../frontend-bridge/gateway/parsing.js';

const MIB = 1024 ** 2;
const request = (): IncomingMessage => ({}) as IncomingMessage;
const text = (value: string): Buffer => Buffer.from(value);
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

describe('the measure of a JSON text', () => {
  const depths: Record<string, number> = {
    '1': 0,
    '"[[[["': 0,
    '"\\"[[["': 0,
    '"\\\\"': 0,
    '[]': 1,
    '[[],[[]]]': 3,
    '{"a":{"b":[1]}}': 3,
    '{"[[[":1}': 1,
    '["\\\\",[]]': 2,
    '"not ended [': 0,
  };
  for (const [json, depth] of Object.entries(depths)) {
    it(`of ${json} has depth ${depth}`, () => {
      expect(measure(text(json)).depth).toBe(depth);
    });
  }

  /** What the engine has more once a value has been read, next to what was expected. */
  it.each([
    ['empty objects', '{},'],
    ['empty lists', '[],'],
    ['objects of one field', '{"a":1},'],
    ['fractions', '1.5,'],
    ['texts', '"abc",'],
    ['many lists in one another', '[[[[[[1]]]]]],'],
  ])('is at least what %s take', (_, part) => {
    const json = text(`[${part.repeat(100_000)}0]`);
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const value = JSON.parse(json.toString()) as unknown[];
    const grown = process.memoryUsage().heapUsed - before;
    expect(value).toHaveLength(100_001);
    expect(grown).toBeLessThan(measure(json).weight);
  });
});

describe('reading bodies', () => {
  const heavy = (bytes: number): Buffer => text(`[${'{},'.repeat(bytes / 3)}0]`);

  it('of more than memory bears waits until those before it are over', async () => {
    const parsing = new Parsing();
    const [first, second, third] = [request(), request(), request()];
    expect(await parsing.read(first, heavy(MIB))).toHaveLength(Math.floor(MIB / 3) + 1);
    const large = parsing.read(second, heavy(8 * MIB));
    const after = parsing.read(third, heavy(MIB));
    expect(await settled(large)).toBe(false);
    expect(await settled(after)).toBe(false);
    parsing.leave(first);
    await large;
    expect(await settled(after)).toBe(false);
    parsing.leave(second);
    await after;
  });

  it('lets light ones pass while heavy ones wait', async () => {
    const parsing = new Parsing();
    await parsing.read(request(), heavy(8 * MIB));
    const waits = parsing.read(request(), heavy(8 * MIB));
    for (let count = 0; count < 100; count += 1)
      expect(await parsing.read(request(), text('{"a":1}'))).toEqual({ a: 1 });
    expect(await settled(waits)).toBe(false);
  });

  it('forgets one that broke off while it waited, and may be told of an end twice', async () => {
    const parsing = new Parsing();
    const [first, second, third] = [request(), request(), request()];
    await parsing.read(first, heavy(8 * MIB));
    const gone = parsing.read(second, heavy(8 * MIB));
    const next = parsing.read(third, heavy(8 * MIB));
    parsing.leave(second);
    parsing.leave(second);
    parsing.leave(first);
    parsing.leave(first);
    await next;
    expect(await settled(gone)).toBe(false);
  });

  it('takes UTF-8 with or without a mark of the byte order, and nothing else', async () => {
    const parsing = new Parsing();
    const read = (bytes: Buffer) => parsing.read(request(), bytes);
    expect(await read(text('\ufeff{"a":"é"}'))).toEqual({ a: 'é' });
    expect(await read(text(''))).toBeUndefined();
    for (const bytes of [
      Buffer.from('{"a":"\xe9"}', 'latin1'),
      Buffer.from('{"a":1}', 'utf16le').subarray(0, 13),
      Buffer.from('\ufeff{"a":"é"}', 'utf16le'),
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
      Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
      Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]),
    ])
      await expect(read(bytes)).rejects.toMatchObject({
        status: 400,
        code: bytes.length === 13 ? 'malformed_json' : 'not_utf8',
      });
  });

  it('refuses what is nested deeper than a value may be before it is read', async () => {
    const parsing = new Parsing();
    const nested = (depth: number) => parsing.read(request(), text('['.repeat(depth) + ']'.repeat(depth)));
    await nested(103);
    await expect(nested(104)).rejects.toMatchObject({ status: 400, code: 'too_deep' });
    await expect(parsing.read(request(), text('['.repeat(5_000_000)))).rejects.toMatchObject({
      code: 'too_deep',
    });
  });
});
