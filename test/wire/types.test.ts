import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTypes, type TypeRegistry, typesFromDescriptors, typesFromJson } from '../../src/wire/types.js';

const PROTO = `syntax = "proto3";
package zoo;

import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

// Everything that
// a message may have.
message Everything {
  // Whole numbers.
  int32 i32 = 1;
  uint32 u32 = 2;
  sint64 s64 = 3;
  fixed64 u64 = 4;
  double real = 5;
  float small = 6; // 32 bits
  bool yes = 7;
  string text_line = 8;
  bytes raw = 9;
  // What colour.
  Colour colour = 10;
  Leaf leaf = 11;
  repeated Leaf leaves = 12;
  repeated sint32 numbers = 13;
  map<string, Leaf> by_name = 14;
  map<int64, string> by_number = 15;
  map<bool, uint32> by_bool = 16;
  oneof choice {
    string word = 17;
    Leaf other = 18;
  }
  optional int32 maybe = 19;
  google.protobuf.Timestamp at = 20;
  google.protobuf.Duration took = 21;
  google.protobuf.Struct more = 22;
  google.protobuf.Value anything = 23;
  google.protobuf.Int64Value wrapped = 24;
  Everything inner = 25;
  string constructor = 26;
  string hasOwnProperty = 27;

  message Leaf {
    string name = 1;
    repeated Colour colours = 2;
  }
}

enum Colour {
  // None at all.
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
  COLOUR_BLUE = 2;
}

message Ping { Pong pong = 1; }
message Pong { Ping ping = 1; }
`;

const folder = mkdtempSync(join(tmpdir(), 'tutti-types-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'zoo.proto'), PROTO);

const TYPE = 'zoo.Everything';
const loaded = loadTypes([folder]);
/** The same types along every way that they travel. */
const registries: [string, TypeRegistry][] = [
  ['from files', loaded],
  ['from descriptors', typesFromDescriptors(loaded.descriptors([TYPE, 'zoo.Ping']))],
  ['from JSON', typesFromJson(JSON.parse(JSON.stringify(loaded.toJson([TYPE, 'zoo.Ping']))))],
];

const FULL = {
  ...{ i32: -5, u32: 4_294_967_295, s64: '-9223372036854775808', u64: '18446744073709551615' },
  ...{ real: 0.1, small: 0.1, yes: true, text_line: 'häßlich 🎼', raw: 'AP8=', colour: 'COLOUR_RED' },
  leaf: { name: 'l', colours: ['COLOUR_BLUE', 'COLOUR_UNSPECIFIED'] },
  leaves: [{ name: 'a', colours: [] }],
  numbers: [-1, 0, 1],
  by_name: { x: { name: 'y', colours: [] } },
  by_number: { '12345678': 'eight digits', '-9223372036854775808': 'least' },
  by_bool: { true: 1, false: 0 },
  ...{ word: '', maybe: 0, at: '2025-01-31T12:00:00.500Z', took: '-1.000000001s' },
  more: { list: [1, 'two', null, { three: true }] },
  ...{ anything: [], wrapped: '0', constructor: 'c', hasOwnProperty: 'h' },
};

const EMPTY = {
  ...{ i32: 0, u32: 0, s64: '0', u64: '0', real: 0, small: 0, yes: false, text_line: '', raw: '' },
  ...{ colour: 'COLOUR_UNSPECIFIED', leaves: [], numbers: [], by_name: {}, by_number: {}, by_bool: {} },
  ...{ constructor: '', hasOwnProperty: '' },
};

function bytesOf(value: unknown, types = loaded, type = TYPE): Uint8Array {
  const encoded = types.encode(type, value);
  if (!encoded.ok) throw new Error(JSON.stringify(encoded.faults, null, 2));
  return encoded.bytes;
}

function decodedValue(decoded: ReturnType<TypeRegistry['decode']>): unknown {
  if (!decoded.ok) throw new Error(decoded.message);
  return decoded.value;
}

function faultsOf(value: unknown, type = TYPE) {
  const encoded = loaded.encode(type, value);
  return encoded.ok ? [] : encoded.faults;
}

describe.each(registries)('types %s', (_, types) => {
  it('bring every field through bytes and back, in the JSON mapping', () => {
    expect(decodedValue(types.decode(TYPE, bytesOf(FULL, types)))).toEqual(FULL);
  });

  it('give the same bytes as the types they come from', () => {
    expect(bytesOf(FULL, types)).toEqual(bytesOf(FULL));
  });

  it('show every field of an empty message, but not what can be told apart from its default', () => {
    expect(decodedValue(types.decode(TYPE, new Uint8Array()))).toEqual(EMPTY);
  });

  it('give values to work with: bytes as bytes, 64-bit numbers as numbers while they are safe', () => {
    const value = decodedValue(
      types.decodeValue(TYPE, bytesOf({ s64: '-7', u64: FULL.u64, raw: 'AP8=', colour: 2 }, types)),
    );
    expect(value).toEqual({
      ...EMPTY,
      s64: -7,
      u64: FULL.u64,
      raw: Uint8Array.of(0, 255),
      colour: 'COLOUR_BLUE',
    });
  });

  it('know types that contain each other', () => {
    expect(
      decodedValue(types.decode('zoo.Ping', bytesOf({ pong: { ping: {} } }, types, 'zoo.Ping'))),
    ).toEqual({
      pong: { ping: {} },
    });
  });
});

describe('types', () => {
  it('are listed by their full names, with json and bytes among them', () => {
    expect(loaded.names()).toEqual(
      ['bytes', 'json', ...loaded.names().filter((name) => name.includes('.'))].toSorted(),
    );
    expect(loaded.names()).toContain('zoo.Everything.Leaf');
    expect(
      ['json', 'bytes', 'zoo.Ping', 'zoo.Nothing', 'Ping', '', 'constructor'].map((name) => loaded.has(name)),
    ).toEqual([true, true, true, false, false, false, false]);
    const none = typesFromDescriptors(new Uint8Array());
    expect(none.names()).toEqual(['bytes', 'json']);
  });

  it('take field names in lowerCamelCase, enums by number, 64-bit integers in any form, and bytes in either flavour', () => {
    const value = {
      ...{ textLine: 'x', colour: 2, s64: -7n, u64: 7, raw: Uint8Array.of(0, 255), at: new Date(0) },
      ...{ byName: { x: {} }, maybe: null, leaf: undefined, real: '1e3', i32: '5' },
    };
    expect(decodedValue(loaded.decode(TYPE, bytesOf(value)))).toEqual({
      ...{
        ...EMPTY,
        text_line: 'x',
        colour: 'COLOUR_BLUE',
        s64: '-7',
        u64: '7',
        raw: 'AP8=',
        i32: 5,
        real: 1000,
      },
      ...{ at: '1970-01-01T00:00:00Z', by_name: { x: { name: '', colours: [] } } },
    });
  });

  it('keep what JSON has no number for', () => {
    for (const real of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const bytes = bytesOf({ real, small: real });
      expect(decodedValue(loaded.decode(TYPE, bytes))).toMatchObject({
        real: String(real),
        small: String(real),
      });
      expect(decodedValue(loaded.decodeValue(TYPE, bytes))).toMatchObject({ real, small: real });
      expect(bytesOf({ real: String(real), small: String(real) })).toEqual(bytes);
    }
  });

  it('leave out a float that 32 bits round to zero', () => {
    expect(bytesOf({ small: 5e-324 })).toHaveLength(0);
  });

  it('keep an enum number that has no name', () => {
    expect(decodedValue(loaded.decode(TYPE, bytesOf({ colour: 77 })))).toMatchObject({ colour: 77 });
  });

  it('take the last of two members of a oneof on the wire', () => {
    const both = Buffer.concat([bytesOf({ word: 'w' }), bytesOf({ other: { name: 'o' } })]);
    expect(decodedValue(loaded.decode(TYPE, both))).toEqual({ ...EMPTY, other: { name: 'o', colours: [] } });
  });

  it('report every fault of a value at once, with its place and what would be right', () => {
    const faults = faultsOf({
      ...{
        i32: 'ten',
        u32: -1,
        s64: 2 ** 60,
        u64: '18446744073709551616',
        real: {},
        small: 1e39,
        yes: 'yes',
      },
      ...{ text_line: 5, raw: 'no base64!', colour: 'COLOUR_RAD', leaf: [], leaves: [{ nam: 'x' }, null] },
      ...{ numbers: 3, by_name: { 'a/b': { colours: [{}] } }, by_number: { x: '' }, by_bool: { maybe: 1 } },
      ...{ word: 'w', other: {}, at: '2025-02-30T00:00:00Z', took: '5', textLine: 'twice' },
    });
    expect(faults.map(({ path, code }) => `${path} ${code}`)).toEqual([
      '/i32 wrong_type',
      '/u32 out_of_range',
      '/s64 out_of_range',
      '/u64 out_of_range',
      '/real wrong_type',
      '/small out_of_range',
      '/yes wrong_type',
      '/text_line wrong_type',
      '/raw bad_base64',
      '/colour unknown_enum_value',
      '/leaf wrong_type',
      '/leaves/0/nam unknown_field',
      '/leaves/1 wrong_type',
      '/numbers wrong_type',
      '/by_name/a~1b/colours/0 wrong_type',
      '/by_number/x wrong_type',
      '/by_bool/maybe wrong_type',
      '/other oneof_conflict',
      '/at bad_timestamp',
      '/took bad_duration',
      '/textLine duplicate_field',
    ]);
    const message = (path: string) => faults.find((fault) => fault.path === path)?.message;
    expect(message('/i32')).toBe('"ten" is not a int32: give a whole number from -2147483648 to 2147483647');
    expect(message('/colour')).toContain('did you mean COLOUR_RED?');
    expect(message('/leaves/0/nam')).toContain('did you mean name?');
  });

  it.each([
    ['a text', 'x', ''],
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['a list', [], ''],
    ['half of a surrogate pair', { text_line: '\ud800' }, '/text_line'],
  ])('refuse %s', (_, value, path) => {
    expect(faultsOf(value)).toMatchObject([{ path }]);
  });

  it('refuse what contains itself, or is deeper than decoders go', () => {
    const loop: Record<string, unknown> = {};
    loop.inner = loop;
    expect(faultsOf(loop)).toMatchObject([{ code: 'too_deep' }]);
    const list: unknown[] = [];
    list.push(list);
    expect(faultsOf({ anything: list })).toMatchObject([{ code: 'too_deep' }]);
    let deepest: Record<string, unknown> = {};
    for (let depth = 0; depth < 100; depth += 1) deepest = { inner: deepest };
    expect(loaded.decode(TYPE, bytesOf(deepest)).ok).toBe(true);
    expect(faultsOf({ inner: deepest })).toMatchObject([{ code: 'too_deep' }]);
  });

  it('leave every prototype as it was', () => {
    const hostile = JSON.parse(
      '{"__proto__": {"polluted": 1}, "by_name": {"__proto__": {"name": "n"}}, "more": {"__proto__": {"polluted": 1}}}',
    );
    expect(faultsOf(hostile)).toMatchObject([{ path: '/__proto__', code: 'unknown_field' }]);
    const { by_name, more } = hostile;
    for (const decoded of [
      loaded.decode(TYPE, bytesOf({ by_name, more })),
      loaded.decodeValue(TYPE, bytesOf({ by_name, more })),
    ]) {
      const value = decodedValue(decoded) as { by_name: object; more: object };
      expect(Object.keys(value.by_name)).toEqual(['__proto__']);
      expect(Object.getPrototypeOf(value.more)).toBe(Object.prototype);
      expect(JSON.stringify(value.more)).toBe('{"__proto__":{"polluted":1}}');
    }
    expect({}).not.toHaveProperty('polluted');
    expect(loaded.decode('json', Buffer.from('{"__proto__":{"polluted":1}}')).ok).toBe(true);
    expect({}).not.toHaveProperty('polluted');
  });

  it('name a type that there is not, and one that was probably meant', () => {
    const message = 'there is no type zoo.Everthing (did you mean zoo.Everything?)';
    expect(loaded.decode('zoo.Everthing', new Uint8Array())).toEqual({ ok: false, message });
    expect(faultsOf({}, 'zoo.Everthing')).toEqual([{ path: '', code: 'unknown_type', message }]);
    expect(() => loaded.jsonSchema('zoo.Everthing')).toThrow(message);
    expect(() => loaded.descriptors(['zoo.Everthing'])).toThrow(message);
  });

  it('own the bytes that they give', () => {
    const payload = bytesOf({ raw: 'AP8=' });
    const value = decodedValue(loaded.decodeValue(TYPE, payload)) as { raw: Uint8Array };
    payload.fill(7);
    expect(value.raw).toEqual(Uint8Array.of(0, 255));
  });

  it('refuse texts that are not UTF-8', () => {
    expect(loaded.decode(TYPE, Uint8Array.of(0x42, 1, 0xff))).toMatchObject({
      ok: false,
      message: expect.stringContaining('these 3 bytes are not zoo.Everything'),
    });
  });
});

describe('any bytes', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // Real payloads with a few bits turned.
    fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([at, byte]) => {
      const bytes = Uint8Array.from(bytesOf(FULL));
      bytes[at % bytes.length] = byte;
      return bytes;
    }),
  );

  it('are decoded or refused, never thrown at, and what was decoded encodes again', () => {
    let decodedCount = 0;
    fc.assert(
      fc.property(anyBytes, fc.constantFrom(TYPE, 'json', 'bytes'), (bytes, type) => {
        for (const decoded of [loaded.decode(type, bytes), loaded.decodeValue(type, bytes)]) {
          if (!decoded.ok) continue;
          decodedCount += 1;
          const again = loaded.encode(type, decoded.value);
          expect(again).toMatchObject({ ok: true });
        }
      }),
      { numRuns: 2000 },
    );
    expect(decodedCount).toBeGreaterThan(500);
  });
});

describe('any value', () => {
  const field = fc.oneof(
    fc.anything(),
    fc.constantFrom(...Object.values(FULL)),
    fc.dictionary(fc.string(), fc.anything()),
  );
  const values = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withTypedArray: true,
      withNullPrototype: true,
    }),
    fc.dictionary(fc.constantFrom(...Object.keys(FULL)), field),
  );

  it('is encoded or refused, never thrown at, and what was encoded decodes to a value that gives the same bytes', () => {
    let encodedCount = 0;
    fc.assert(
      fc.property(values, (value) => {
        const encoded = loaded.encode(TYPE, value);
        if (!encoded.ok) {
          expect(encoded.faults.length).toBeGreaterThan(0);
          return;
        }
        encodedCount += 1;
        const json = decodedValue(loaded.decode(TYPE, encoded.bytes));
        expect(bytesOf(json)).toEqual(encoded.bytes);
        // As text it is the same, but for the sign of a zero, which JSON.stringify drops.
        const text = JSON.stringify(json);
        const again = decodedValue(loaded.decode(TYPE, bytesOf(JSON.parse(text))));
        expect(JSON.stringify(again)).toBe(text);
        expect(bytesOf(decodedValue(loaded.decodeValue(TYPE, encoded.bytes)))).toEqual(encoded.bytes);
      }),
      { numRuns: 4000 },
    );
    expect(encodedCount).toBeGreaterThan(200);
  });
});

describe('json and bytes', () => {
  it('need no schema', () => {
    expect(decodedValue(loaded.decode('json', bytesOf({ a: [1] }, loaded, 'json')))).toEqual({ a: [1] });
    expect(decodedValue(loaded.decode('bytes', Uint8Array.of(0, 255)))).toBe('AP8=');
    expect(decodedValue(loaded.decodeValue('bytes', Uint8Array.of(0, 255)))).toEqual(Uint8Array.of(0, 255));
    expect(bytesOf('AP8', loaded, 'bytes')).toEqual(Buffer.of(0, 255));
    expect(bytesOf(Uint8Array.of(1), loaded, 'bytes')).toEqual(Uint8Array.of(1));
  });

  it('refuse what is neither', () => {
    for (const text of ['', '{', '\xff', 'undefined', 'NaN']) {
      expect(loaded.decode('json', Buffer.from(text, 'latin1')).ok).toBe(false);
    }
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    for (const value of [undefined, () => 1, Symbol('s'), 1n, loop]) {
      expect(faultsOf(value, 'json')).toMatchObject([{ code: value === loop ? 'too_deep' : 'wrong_type' }]);
    }
    expect(faultsOf(5, 'bytes')).toMatchObject([{ path: '', code: 'wrong_type' }]);
    expect(faultsOf('%', 'bytes')).toMatchObject([{ path: '', code: 'bad_base64' }]);
  });
});

describe('a JSON schema', () => {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  formats.default(ajv);

  it('takes what decoding gives, and refuses what encoding refuses', () => {
    const validate = ajv.compile(loaded.jsonSchema(TYPE));
    for (const value of [FULL, EMPTY]) {
      expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    }
    for (const value of [
      { i32: 'x' },
      { nothing: 1 },
      { colour: 'RED' },
      { leaf: { nam: 1 } },
      { u32: -1 },
      { at: 'now' },
    ]) {
      expect(validate(value)).toBe(false);
      expect(faultsOf(value)).not.toEqual([]);
    }
  });

  it('says what the comments say, and what is there when nothing is given', () => {
    const schema = loaded.jsonSchema(TYPE);
    expect(schema).toMatchObject({ title: 'Everything', $ref: '#/$defs/zoo.Everything' });
    expect(schema.$defs).toMatchObject({
      'zoo.Everything': {
        description: 'Everything that\na message may have.',
        properties: {
          i32: { description: 'Whole numbers.', type: 'integer', default: 0 },
          small: { description: '32 bits' },
          colour: { description: 'What colour.', default: 'COLOUR_UNSPECIFIED' },
          word: { 'x-oneof': 'choice' },
          u64: { default: '0' },
        },
      },
      'zoo.Colour': { description: expect.stringContaining('COLOUR_UNSPECIFIED: None at all.') },
    });
    expect(typesFromJson(loaded.toJson([TYPE])).jsonSchema(TYPE)).toEqual(schema);
  });

  it('is there for json and bytes too', () => {
    expect(ajv.compile(loaded.jsonSchema('json'))([1])).toBe(true);
    expect(ajv.compile(loaded.jsonSchema('bytes'))([1])).toBe(false);
  });
});

describe('descriptors', () => {
  it('carry the types asked for and what they need, and nothing else', () => {
    expect(typesFromDescriptors(loaded.descriptors(['zoo.Ping', 'json'])).names()).toEqual([
      'bytes',
      'json',
      'zoo.Ping',
      'zoo.Pong',
    ]);
    expect(loaded.descriptors(['json', 'bytes'])).toHaveLength(0);
    expect(
      Object.keys((loaded.toJson(['zoo.Ping']) as { nested: { zoo: { nested: object } } }).nested.zoo.nested),
    ).toEqual(['Ping', 'Pong']);
  });

  it('are refused when they are none', () => {
    for (const bytes of [Uint8Array.of(1, 2, 3), Buffer.from('nonsense')]) {
      expect(() => typesFromDescriptors(bytes)).toThrow('these type descriptors cannot be read');
    }
    const withHole = { nested: { A: { fields: { x: { type: 'Missing', id: 1 } } } } };
    expect(() => typesFromJson(withHole)).toThrow('these type descriptors cannot be read');
  });

  it('have each file after its imports, and every type of a file in it or in them', () => {
    const { FileDescriptorSet } = descriptor as unknown as { FileDescriptorSet: protobuf.Type };
    const set = FileDescriptorSet.toObject(FileDescriptorSet.decode(loaded.descriptors([TYPE, 'zoo.Ping'])));
    const files = new Map<string, Set<string>>();
    for (const file of set.file as Described[]) {
      const visible = declaredIn(file, `.${file.package}`);
      files.set(file.name, new Set(visible));
      for (const path of file.dependency ?? [])
        visible.push(...(files.get(path) ?? [`${path} is not there yet`]));
      for (const type of typesUsedBy(file)) expect(visible).toContain(type);
    }
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['google/protobuf/struct.proto', 'zoo/Everything.proto', 'zoo/Colour.proto']),
    );
    expect(files.get('zoo/Ping.proto')).toEqual(new Set(['.zoo.Ping', '.zoo.Pong']));
  });
});

/** A file or a message in a descriptor set. */
interface Described {
  readonly name: string;
  readonly package?: string;
  readonly dependency?: readonly string[];
  readonly field?: readonly { readonly typeName?: string }[];
  readonly messageType?: readonly Described[];
  readonly nestedType?: readonly Described[];
  readonly enumType?: readonly Described[];
}

function below(one: Described): readonly Described[] {
  return [...(one.messageType ?? []), ...(one.nestedType ?? []), ...(one.enumType ?? [])];
}

function declaredIn(one: Described, name: string): string[] {
  return below(one).flatMap((inner) => [
    `${name}.${inner.name}`,
    ...declaredIn(inner, `${name}.${inner.name}`),
  ]);
}

function typesUsedBy(one: Described): string[] {
  const own = (one.field ?? []).flatMap((field) => field.typeName ?? []);
  return [...own, ...below(one).flatMap(typesUsedBy)];
}
