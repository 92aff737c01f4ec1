import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Parsing } from '../../../frontend-bridge/gateway/parsing.js';
import { JsonText } from '../../../src/base/json/json-text.js';

const MIB = 1024 ** 2;
const request = (): IncomingMessage => ({}) as IncomingMessage;
const text = (value: string): Buffer => Buffer.from(value);
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

describe('reading bodies', () => {
  const heavy = (bytes: number): Buffer => text(`{"input":[${'{},'.repeat(bytes / 3)}0]}`);

  it('reading more bodies than memory allows waits until earlier ones have ended', async () => {
    const parsing = new Parsing();
    const [first, second, third] = [request(), request(), request()];
    await parsing.read(first, heavy(MIB));
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

  it('leaves payloads as texts, and makes the values of everything else', async () => {
    const body = await new Parsing().read(
      request(),
      text(
        '{"graph":"one","input":[1.0],"overrides":{"a":{"b":-0},"c":1},"problems":[{"input":1E2},2],"tags":[1.0]}',
      ),
    );
    expect(body).toEqual({
      graph: 'one',
      input: new JsonText('[1.0]'),
      overrides: { a: { b: new JsonText('-0') }, c: 1 },
      problems: [{ input: new JsonText('1E2') }, 2],
      tags: [1],
    });
  });

  it('refuses more than 1,000 fields before it makes their values', async () => {
    const fields = (count: number) => Array.from({ length: count }, (_, index) => `"f${index}":{}`).join();
    const read = (json: string) => new Parsing().read(request(), text(json));
    expect(Object.keys((await read(`{${fields(1_000)}}`)) as object)).toHaveLength(1_000);
    const bodies = { '': fields(1_001), '/overrides': `"overrides":{${fields(1_001)}}` };
    for (const [path, json] of Object.entries(bodies))
      await expect(read(`{${json}}`)).rejects.toMatchObject({
        code: 'invalid_body',
        details: [{ path, code: 'out_of_range' }],
      });
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
