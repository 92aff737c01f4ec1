/** Types of one's own: JSON with a schema, what identifies a type, and when two sides mean the same by it. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTypes, type TypeRegistry, typesFromDescriptors, typesFromJson } from '../../src/wire/types.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function types(files: Readonly<Record<string, string>>): TypeRegistry {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-schemas-'));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return loadTypes([folder]);
}

const proto = (body: string) => types({ 'a.proto': `syntax = "proto3"; package a; ${body}` });
const schema = (content: object) => types({ 'p.schema.json': JSON.stringify(content) });
const SIDES = { ours: 'the graph', theirs: 'the node' };

/** What of `theirs` does not fit `ours`, as `path: message`. */
function differences(type: string, ours: TypeRegistry, theirs: TypeRegistry): string[] {
  return ours.differences(theirs.schemaOf(type), SIDES).map(({ path, message }) => `${path}: ${message}`);
}

describe('json with a schema', () => {
  const PRICE = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] };

  it('is a type json:<name>, for a file of that name anywhere under a proto path', () => {
    const registry = types({ 'house/price.schema.json': JSON.stringify(PRICE) });
    expect(registry.has('json:house/price')).toBe(true);
    expect(registry.has('json:price')).toBe(false);
    expect(registry.names()).toContain('json:house/price');
    expect(registry.jsonSchema('json:house/price')).toEqual(PRICE);
  });

  it('names every fault of a value, both ways', () => {
    const registry = schema({ ...PRICE, additionalProperties: false });
    expect(registry.encode('json:p', { amount: 1 })).toMatchObject({ ok: true });
    expect(registry.encode('json:p', { amount: 'x', more: 1 })).toMatchObject({
      ok: false,
      faults: [
        { path: '', code: 'schema', message: expect.stringContaining('more') },
        { path: '/amount', code: 'schema', message: 'must be number' },
      ],
    });
    expect(registry.decode('json:p', Buffer.from('{}'))).toMatchObject({
      ok: false,
      message: expect.stringContaining("must have required property 'amount'"),
    });
  });

  it('survives being stored, and is plain JSON to a node', () => {
    const registry = schema(PRICE);
    const stored = typesFromJson(JSON.parse(JSON.stringify(registry.toJson(['json:p']))));
    expect(stored.schemaOf('json:p').hash).toBe(registry.schemaOf('json:p').hash);
    expect(stored.encode('json:p', {})).toMatchObject({ ok: false });
    const atNode = typesFromDescriptors(registry.descriptors(['json:p']));
    expect(atNode.decodeValue('json:p', Buffer.from('{"amount":1}'))).toMatchObject({
      ok: true,
      value: { amount: 1 },
    });
  });

  it('a schema that cannot be used is refused with its file', () => {
    expect(() => schema({ type: 'no such type' })).toThrow(expect.objectContaining({ code: 'bad_schema' }));
    expect(() => types({ 'p.schema.json': '{' })).toThrow(/p\.schema\.json/);
  });
});

describe('the hash of a type', () => {
  it('is that of the documented text', () => {
    const registry = proto(`
      import "google/protobuf/timestamp.proto";
      message M { repeated N list = 3; string name = 1; optional int32 maybe = 2; map<string, E> by = 4; oneof one { bool a = 5; } }
      message N { google.protobuf.Timestamp at = 1; }
      enum E { E_NONE = 0; E_SOME = 1; }`);
    const text = `enum a.E
  0 E_NONE
  1 E_SOME
message a.M
  1 name one string
  2 maybe optional int32
  3 list repeated a.N
  4 by map<string> a.E
  5 a oneof:one bool
message a.N
  1 at one google.protobuf.Timestamp
`;
    const expected = createHash('sha256').update(text).digest('hex');
    expect(registry.schemaOf('a.M').hash).toBe(expected);
    const again = typesFromDescriptors(registry.descriptors(['a.M']));
    expect(again.schemaOf('a.M').hash).toBe(expected);
    expect(typesFromJson(registry.toJson(['a.M'])).schemaOf('a.M').hash).toBe(expected);
  });

  it('does not depend on the order in which a file says things', () => {
    const [one, other] = [
      proto('message M { int32 a = 1; bool b = 2; }'),
      proto('message M { bool b = 2; int32 a = 1; }'),
    ];
    expect(one.schemaOf('a.M').hash).toBe(other.schemaOf('a.M').hash);
    const [x, y] = [schema({ type: 'object', title: 't' }), schema({ title: 't', type: 'object' })];
    expect(x.schemaOf('json:p').hash).toBe(y.schemaOf('json:p').hash);
  });
});

describe('two sides with different forms of a message', () => {
  const M =
    'message M { string name = 1; N inner = 2; E kind = 3; } message N { int32 size = 1; } enum E { A = 0; B = 1; }';

  it('understand each other when one has fields and enum values that the other has not', () => {
    const more = proto(
      'message M { string name = 1; N inner = 2; E kind = 3; bool more = 9; } message N { int32 size = 1; bytes raw = 2; } enum E { A = 0; B = 1; C = 2; }',
    );
    expect(differences('a.M', proto(M), more)).toEqual([]);
    expect(differences('a.M', more, proto(M))).toEqual([]);
  });

  it.each([
    [
      'another type',
      M.replace('string name', 'bytes name'),
      'a.M.name: one string in the graph, one bytes in the node',
    ],
    [
      'another label',
      M.replace('string name', 'repeated string name'),
      'a.M.name: one string in the graph, repeated string in the node',
    ],
    [
      'another number',
      M.replace('name = 1', 'name = 7'),
      'a.M.name: number 1 in the graph, number 7 in the node',
    ],
    [
      'another name',
      M.replace('string name', 'string title'),
      'a.M.name: number 1 is name in the graph, it is title in the node',
    ],
    [
      'another field within',
      M.replace('int32 size', 'int64 size'),
      'a.N.size: one int32 in the graph, one int64 in the node',
    ],
    [
      'another enum number',
      M.replace('B = 1', 'B = 5'),
      'a.E.B: number 1 in the graph, number 5 in the node',
    ],
    [
      'another enum name',
      M.replace('B = 1', 'D = 1'),
      'a.E.B: number 1 is B in the graph, it is D in the node',
    ],
  ])('do not with %s', (_what, theirs, expected) => {
    expect(differences('a.M', proto(M), proto(theirs))).toEqual([expected]);
  });

  it('name every difference at once', () => {
    const theirs = proto(M.replace('string name', 'bytes name').replace('int32 size', 'int64 size'));
    expect(differences('a.M', proto(M), theirs)).toHaveLength(2);
  });

  it('cannot tell where the other one’s form is missing or cannot be read', () => {
    const ours = proto(M);
    for (const definition of [
      new Uint8Array(),
      Buffer.from([1, 2, 3]),
      proto('message X {}').schemaOf('a.X').definition,
    ]) {
      const found = ours.differences({ type: 'a.M', hash: 'another', definition }, SIDES);
      expect(found).toMatchObject([{ code: 'bad_descriptors' }]);
    }
  });
});

describe('two sides with different JSON Schemas', () => {
  const P = {
    type: 'object',
    properties: { a: { type: 'number', maximum: 5 }, b: { $ref: '#/$defs/b' } },
    $defs: { b: { type: 'string' } },
  };
  const withA = (a: object, over: object = {}) => ({ ...P, ...over, properties: { ...P.properties, a } });

  it('understand each other over descriptions, bounds and properties that nobody requires', () => {
    const theirs = schema({
      ...withA({ type: 'number', description: 'an a' }),
      properties: { ...P.properties, c: true },
    });
    expect(differences('json:p', schema(P), theirs)).toEqual([]);
    expect(differences('json:p', theirs, schema(P))).toEqual([]);
  });

  it.each([
    [
      'another type',
      withA({ type: 'string' }),
      '/properties/a/type: "number" in the graph, "string" in the node',
    ],
    [
      'other allowed values',
      withA({ type: 'number', enum: [1] }),
      '/properties/a/enum: not given in the graph, [1] in the node',
    ],
    [
      'another type behind a reference',
      { ...P, $defs: { b: { type: 'null' } } },
      '/properties/b/type: "string" in the graph, "null" in the node',
    ],
    [
      'a property that only one requires',
      { ...P, properties: { ...P.properties, c: {} }, required: ['c'] },
      '/properties/c: "not there" in the graph, "required" in the node',
    ],
    [
      'a property that the other forbids',
      { type: 'object', additionalProperties: false, properties: { a: P.properties.a }, $defs: P.$defs },
      '/properties/b: "there" in the graph, "not allowed" in the node',
    ],
  ])('do not with %s', (_what, theirs, expected) => {
    expect(differences('json:p', schema(P), schema(theirs))).toEqual([expected]);
  });
});
