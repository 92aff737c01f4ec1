/** Values from one language to the other and back: what TypeScript encodes Python reads as the same, and the other way round. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { JsonText } from '../../src/base/json/json-text.js';
import { loadTypes, type TypeRegistry } from '../../src/wire/types.js';
import { missing, root, runPython } from './python.js';

const PROTO = `syntax = "proto3"; package v; import "google/protobuf/any.proto"; import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
message M {
  google.protobuf.Any any = 1; google.protobuf.FieldMask mask = 2; google.protobuf.Struct more = 3; google.protobuf.Value value = 4;
  M m = 5; map<string, M> ms = 6; double real = 7; int64 big = 8; string text = 9; bytes raw = 10; repeated google.protobuf.Any anys = 11;
}
message Inside { int64 id = 1; string at_type = 2; }`;

const TURNS = `
import base64, json, sys
from tutti.values.types import Decoded, Encoded, Types
descriptors = json.loads(sys.stdin.readline())
types = Types(base64.b64decode(descriptors))
for line in sys.stdin:
    name, content = json.loads(line)
    read = types.decode(name, base64.b64decode(content))
    if not isinstance(read, Decoded):
        print(json.dumps({"undecodable": read.message}))
        continue
    again = types.encode(name, read.value)
    print(json.dumps({"again": base64.b64encode(again.content).decode()} if isinstance(again, Encoded) else {"faults": again.faults}))
`;

let types: TypeRegistry;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-values-'));
  writeFileSync(join(folder, 'v.proto'), PROTO);
  types = loadTypes([folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function nest(depth: number, wrap: (inner: unknown) => unknown, leaf: unknown): unknown {
  let value = leaf;
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

/** The deepest of a kind that is accepted. */
function deepest(make: (depth: number) => unknown): unknown {
  let depth = 1;
  while (types.encode('v.M', make(depth + 1)).ok) depth += 1;
  expect(depth).toBeLessThan(150);
  return make(depth);
}

const T = 'type.googleapis.com/';
const MESSAGES: readonly unknown[] = [
  { any: { '@type': `${T}google.protobuf.Duration`, value: '3s' } },
  { any: { '@type': `${T}google.protobuf.Timestamp`, value: '2025-01-31T12:00:00Z' } },
  { any: { '@type': `${T}google.protobuf.Int64Value`, value: '9007199254740993' } },
  { any: { '@type': `${T}google.protobuf.Struct`, value: { a: [1, null] } } },
  { any: { '@type': `${T}google.protobuf.FieldMask`, value: 'a.bC' } },
  { any: { '@type': `${T}google.protobuf.Empty` } },
  { any: { '@type': `${T}v.Inside`, id: '5', at_type: 'x' } },
  {
    any: {
      '@type': `${T}google.protobuf.Any`,
      value: { '@type': 'example.com/v.Inside', id: '1', at_type: '' },
    },
  },
  { any: {}, anys: [{}, { '@type': `${T}v.Inside`, id: '0', at_type: '' }] },
  { mask: 'user.displayName,photo' },
  { mask: '' },
  { real: 'NaN', big: '9223372036854775807', raw: 'AP8=', text: '\u0000🎼' },
  { value: null },
  { value: [{}, [], '', 0, false] },
];

async function throughPython(
  payloads: readonly (readonly [string, Uint8Array])[],
): Promise<Record<string, unknown>[]> {
  const lines = payloads.map(([name, bytes]) =>
    JSON.stringify([name, Buffer.from(bytes).toString('base64')]),
  );
  const descriptors = JSON.stringify(Buffer.from(types.descriptors(['v.M'])).toString('base64'));
  const input = [descriptors, ...lines].join('\n');
  const ran = await runPython(['-c', TURNS], { input, env: { PYTHONPATH: join(root, 'python/src') } });
  expect(ran.code, ran.stderr).toBe(0);
  return ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function bytesOf(name: string, value: unknown): Uint8Array {
  const encoded = types.encode(name, value);
  expect(encoded).toMatchObject({ ok: true });
  return encoded.ok ? encoded.bytes : new Uint8Array();
}

function shownOf(name: string, bytes: Uint8Array): unknown {
  const decoded = types.decode(name, bytes);
  return decoded.ok ? decoded.value : decoded.message;
}

function needs(ctx: TestContext): void {
  const tool = missing('google.protobuf');
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
}

describe('a value', () => {
  it.each(MESSAGES)('a value of a message keeps its JSON mapping: %j', (value) => {
    expect(shownOf('v.M', bytesOf('v.M', value))).toMatchObject(value as object);
  });

  it('goes through a node in Python without a change', { timeout: 60_000 }, async (ctx) => {
    needs(ctx);
    const deep = [
      deepest((depth) => ({ more: nest(depth, (a) => ({ a }), {}) })),
      deepest((depth) => ({ value: nest(depth, (a) => [a], 1) })),
      deepest((depth) => nest(depth, (m) => ({ m }), {})),
      deepest((depth) => nest(depth, (m) => ({ ms: { a: m } }), {})),
    ];
    const given = [...MESSAGES, ...deep].map((value) => ['v.M', bytesOf('v.M', value)] as const);
    const texts = ['[1.0,-0,1e2,"\\ud800"]', '{"__proto__":{"b":1},"a":9007199254740992}', nestedText(100)];
    const json = texts.map((text) => ['json', bytesOf('json', new JsonText(text))] as const);
    const all = [...given, ...json];
    const answers = await throughPython(all);
    for (const [index, [name, bytes]] of all.entries()) {
      const { again, ...wrong } = answers[index]!;
      expect(wrong).toEqual({});
      expect(shownOf(name, Buffer.from(String(again), 'base64'))).toEqual(shownOf(name, bytes));
    }
  });

  it.each<readonly [object, readonly string[]]>([
    [{ any: { '@type': 5 } }, ['wrong_type /any/@type']],
    [{ any: { '@type': 'no.slash' } }, ['wrong_type /any/@type']],
    [{ any: { '@type': `${T}v.Nothing` } }, ['unknown_type /any/@type']],
    [
      { any: { '@type': `${T}v.Inside`, id: 'x', more: 1 } },
      ['wrong_type /any/id', 'unknown_field /any/more'],
    ],
    [
      { any: { '@type': `${T}google.protobuf.Duration`, value: '3', more: 1 } },
      ['unknown_field /any/more', 'bad_duration /any/value'],
    ],
    [{ any: 'x' }, ['wrong_type /any']],
    [{ mask: 'user.display_name' }, ['wrong_type /mask']],
    [{ mask: ['a'] }, ['wrong_type /mask']],
    [
      { value: Number.NaN, more: { a: [Number.POSITIVE_INFINITY] } },
      ['out_of_range /value', 'out_of_range /more/a/0'],
    ],
    [{ m: new Map([['text', 'x']]) }, ['wrong_type /m']],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested
    [{ anys: [, {}] }, ['wrong_type /anys/0']],
  ])('a value that does not fit its message is refused at its place: %j', (value, faults) => {
    const encoded = types.encode('v.M', value);
    expect(encoded.ok ? [] : encoded.faults.map(({ code, path }) => `${code} ${path}`)).toEqual(faults);
  });

  it('within an Any of an unknown type is shown as the message that it is', () => {
    const raw = { any: { type_url: 'example.com/of.others', value: 'AQ==' } };
    expect(shownOf('v.M', bytesOf('v.M', raw))).toMatchObject(raw);
  });

  it('within Anys without end is refused', () => {
    let bytes = bytesOf('google.protobuf.Any', {});
    for (let level = 0; level < 200; level += 1) {
      bytes = bytesOf('google.protobuf.Any', { type_url: `${T}google.protobuf.Any`, value: bytes });
    }
    expect(types.decode('google.protobuf.Any', bytes)).toMatchObject({ ok: false });
  });
});

function nestedText(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}
