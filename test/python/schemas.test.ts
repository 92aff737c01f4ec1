/** Both SDKs say the same about what a node was written against, to the bit: the orchestrator compares hashes first. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { TuttiError } from '../../src/base/errors.js';
import { ownSchemas } from '../../src/sdk/own-schemas.js';
import { loadTypes } from '../../src/wire/types.js';
import { missing, root, runPython } from './python.js';

interface Schema {
  readonly type: string;
  readonly hash: string;
  readonly definition: string;
}

const SAYS = `
import base64, json, sys
from tutti import TuttiError
from tutti.schemas.own import own_schemas
try:
    answer = [
        {"type": each.type, "hash": each.hash, "definition": base64.b64encode(each.definition).decode()}
        for each in own_schemas(json.loads(sys.argv[1]), [])
    ]
except TuttiError as error:
    answer = {"code": error.code, "paths": [fault.path for fault in error.details], "message": str(error)}
print(json.dumps(answer))
`;

const ALL_FORMS = `
  // A comment; with "quotes" and { braces }.
  syntax = "proto3";
  /* And one
     over lines. */
  package forms.v1;
  import public "google/protobuf/timestamp.proto";
  import "google/protobuf/struct.proto";
  import "other/legacy.proto";
  option java_package = "com.example";
  option (custom) = { key: "value;" nested { a: 1 } };
  message Every {
    reserved 40 to 50, 60; reserved "gone";
    option deprecated = true;
    double a = 1; float b = 2; int32 c = 3; int64 d = 4; uint32 e = 5; uint64 f = 6; sint32 g = 7; sint64 h = 8;
    fixed32 i = 9; fixed64 j = 0xA; sfixed32 k = 013; sfixed64 l = 12; bool m = 13; string n = 14; bytes o = 15;
    optional int32 maybe = 16 [json_name = "perhaps", deprecated = true];
    repeated int32 many = 17 [packed = false];
    map<string, Inner> by_name = 18; map<int64, Kind> by_number = 19; map<bool, bytes> by_truth = 20;
    oneof choice { option (x) = 1; string text = 21; Inner inner = 22; Kind kind = 23; }
    Inner.Deep deep = 24; .forms.v1.Every self = 25; v1.Kind outer = 26; legacy.Old old = 27; optional Inner some = 28;
    google.protobuf.Timestamp at = 29; google.protobuf.Value any = 30; google.protobuf.NullValue none = 31;
    message Inner { message Deep { Kind kind = 1; enum Kind { SHALLOW = 0; } } repeated Deep deeps = 1; };
  }
  enum Kind { option allow_alias = true; KIND_NONE = 0; KIND_LOW = -5 [deprecated = true]; KIND_SAME = -5; reserved 9; }
  service Calls { rpc Call (Every) returns (stream Every) { option idempotency_level = NO_SIDE_EFFECTS; } rpc Other (Every) returns (Every); }
`;
const LEGACY = `
  package legacy;
  message Old {
    required string name = 1; optional int32 count = 2 [default = 7]; repeated Old olds = 3; optional Colour colour = 4;
    extensions 100 to max; oneof one { int32 x = 5; Old y = 6; }
  }
  enum Colour { RED = 1; BLUE = 2; }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-python-schemas-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function needs(ctx: TestContext): void {
  const tool = missing('google.protobuf');
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
}

let made = 0;
function files(contents: Readonly<Record<string, string>>): string {
  made += 1;
  const at = join(folder, String(made));
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), content);
  }
  return at;
}

async function ofPython(path: string): Promise<unknown> {
  const env = { PYTHONPATH: join(root, 'python/src') };
  const ran = await runPython(['-c', SAYS, JSON.stringify([path])], { env });
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout);
}

const identified = (schemas: readonly Pick<Schema, 'type' | 'hash'>[]) =>
  schemas.map(({ type, hash }) => `${type} ${hash}`).sort();

describe('what a node in Python was written against', () => {
  it.for<readonly [string, () => string]>([
    ['the messages of this project', () => join(root, 'proto')],
    [
      'a message with every form of field',
      () => files({ 'forms.proto': ALL_FORMS, 'other/legacy.proto': LEGACY }),
    ],
  ])('is told as the TypeScript SDK tells it: %s', async ([, place], ctx) => {
    needs(ctx);
    const path = place();
    const schemas = (await ofPython(path)) as Schema[];
    expect(identified(schemas)).toEqual(identified(ownSchemas({ protoPaths: [path], types: [] })));
    // And is compared field by field where the hashes differ: it is the same then, too.
    const types = loadTypes([path]);
    for (const { type, definition } of schemas) {
      const other = { type, hash: 'of another form', definition: Buffer.from(definition, 'base64') };
      expect(types.differences(other, { ours: 'TypeScript', theirs: 'Python' })).toEqual([]);
    }
  });

  it('is told as the TypeScript SDK tells it: any JSON Schema', async (ctx) => {
    needs(ctx);
    const key = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1e21, 1e-7, -0, 2 ** 53, 1e300));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        ...[fc.boolean(), fc.constant(null), key, number.filter(Number.isFinite)],
        ...[fc.array(tie('tree')), fc.dictionary(key, tie('tree'))],
      ),
    }));
    const schemas = fc.sample(
      tree.map((value) => ({ type: 'object', default: value })),
      { numRuns: 60, seed: 20_262 },
    );
    const path = files(
      Object.fromEntries(schemas.map((each, at) => [`s${at}.schema.json`, JSON.stringify(each)])),
    );
    const told = (await ofPython(path)) as Schema[];
    expect(told.length).toBe(60);
    expect(identified(told)).toEqual(identified(ownSchemas({ protoPaths: [path], types: [] })));
  });

  it.for<readonly [string, string, string | undefined]>([
    ['a type that is nowhere', 'message M {\n  Nn n = 1; }\nmessage N {}', 'a.proto:3'],
    ['an import that is nowhere', 'import "b.proto";', 'a.proto:2'],
    ['a field without a number', 'message M {\n  int32 n; }', 'a.proto:3'],
    ['an open block', 'message M {', 'a.proto:2'],
    ['a group', 'message M { repeated group G = 1 {} }', 'a.proto:2'],
    ['a field that is there twice', 'message M { int32 a = 1; int32 b = 1; }', undefined],
  ])('is refused with file and line: %s', async ([, body, place], ctx) => {
    needs(ctx);
    const path = files({ 'a.proto': `syntax = "proto3";\n${body}` });
    expect(() => loadTypes([path])).toThrow(TuttiError);
    const answer = (await ofPython(path)) as { code: string; paths: string[] };
    expect(answer.code).toBe('bad_proto');
    if (place !== undefined) expect(answer.paths).toEqual([join(path, place)]);
  });

  it('is refused where a schema is none', async (ctx) => {
    needs(ctx);
    const path = files({ 'p.schema.json': '{"maximum": NaN}', 'q.schema.json': '7' });
    const answer = (await ofPython(path)) as { code: string; paths: string[] };
    expect(answer.code).toBe('bad_schema');
    expect(answer.paths).toEqual([join(path, 'p.schema.json'), join(path, 'q.schema.json')]);
  });
});
