/** What the graph's side takes of `.proto` files, every node can load: each case against the descriptor pool of Python. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import type { TuttiError } from '../../src/base/errors.js';
import { loadTypes } from '../../src/wire/types.js';
import { missing, root, runPython } from './python.js';

const parent = mkdtempSync(join(tmpdir(), 'tutti-proto-files-'));
afterAll(() => rmSync(parent, { recursive: true }));

type Files = Readonly<Record<string, string>>;
let count = 0;
function folderWith(files: Files): string {
  count += 1;
  const folder = join(parent, String(count));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      /^\s*syntax/.test(text) ? text : `syntax = "proto3"; package t.v1; ${text}`,
    );
  }
  return folder;
}

const one = (text: string): Files => ({ 'a.proto': text });
const proto2 = (text: string): Files => ({ 'a.proto': `syntax = "proto2"; package t.v1; ${text}` });
const WELL_KNOWN = [
  ...['any', 'api', 'compiler/plugin', 'descriptor', 'duration', 'empty', 'field_mask', 'source_context'],
  ...['struct', 'timestamp', 'type', 'wrappers'],
];

const TAKEN: readonly (readonly [string, Files])[] = [
  [
    'every file that protoc has',
    one(`${WELL_KNOWN.map((name) => `import "google/protobuf/${name}.proto";`).join('')}
    message A { google.protobuf.Any a = 1; google.protobuf.Api b = 2; google.protobuf.compiler.CodeGeneratorRequest c = 3;
      google.protobuf.FileDescriptorSet d = 4; google.protobuf.Type e = 5; google.protobuf.SourceContext f = 6; google.protobuf.FieldMask g = 7; }`),
  ],
  [
    'options of one’s own',
    one(`import "google/protobuf/descriptor.proto";
    extend google.protobuf.FieldOptions { string unit = 50001; Rules rules = 50002; } extend google.protobuf.MessageOptions { bool kept = 50003; }
    extend google.protobuf.EnumValueOptions { string label = 50004; } extend google.protobuf.FileOptions { string owner = 50005; }
    option (owner) = "me"; message Rules { double max = 1; repeated string of = 2; }
    message A { option (kept) = true; double x = 1 [(unit) = "s", (rules).max = 5, (rules) = { of: ["a", "b"] }, deprecated = true]; }
    enum E { E_NONE = 0 [(label) = "none"]; }`),
  ],
  [
    'options over files',
    {
      'validate/validate.proto':
        'syntax = "proto2"; package validate; import "google/protobuf/descriptor.proto"; extend google.protobuf.FieldOptions { optional FieldRules rules = 1071; } message FieldRules { oneof type { StringRules string = 14; } } message StringRules { optional uint64 min_len = 2; }',
      'a.proto':
        'syntax = "proto3"; package t.v1; import "validate/validate.proto"; message A { string name = 1 [(validate.rules).string = {min_len: 1}]; }',
    },
  ],
  [
    'extensions of messages',
    proto2(
      'message A { optional int32 a = 1; extensions 100 to 199; } extend A { optional int32 more = 100; } message B { extend A { optional B b = 101; } optional A a = 1; }',
    ),
  ],
  [
    'reserved numbers and names',
    one(
      'message A { reserved 2, 9 to 11, 40 to max; reserved "foo", "bar"; int32 a = 1; } enum E { reserved 2; reserved "X"; A0 = 0; }',
    ),
  ],
  [
    'a proto2 file as it was',
    proto2(
      'message A { required string r = 1; optional int32 n = 2 [default = -7]; optional E e = 3 [default = B]; optional string s = 4 [default = "a\\"b"]; optional double d = 5 [default = inf]; repeated int32 p = 6 [packed = true]; optional bytes y = 7 [default = "x"]; optional bool z = 8 [default = true]; } enum E { A1 = 1; B = 2; }',
    ),
  ],
  [
    'services, streams, comments, empty statements',
    one(
      '/* a */ service S { rpc R (stream A) returns (stream A) { option deprecated = true; }; } ; message A { ; int32 a = 1; // x\n }',
    ),
  ],
  [
    'names like keywords',
    one(
      'message A { string message = 1; int32 enum = 2; bool option = 3; string reserved = 4; string string = 5; int32 package = 6; oneof oneof { int32 map = 7; } optional int32 optional = 8; }',
    ),
  ],
  [
    'enums with aliases and negative values',
    one('enum E { option allow_alias = true; E_A = 0; E_B = 0; E_C = -5; E_D = 0x10; }'),
  ],
  [
    'values of one name in scopes of their own',
    one(
      'message A { enum E { UNKNOWN = 0; } } message B { enum E { UNKNOWN = 0; } } enum F { UNKNOWN = 0; }',
    ),
  ],
  [
    'types that need each other over files',
    {
      'a.proto': 'import "b.proto"; message A { B b = 1; map<string, B> m = 2; }',
      'b.proto': 'message B { repeated B bs = 1; }',
    },
  ],
  [
    'public imports, weak ones, a package within a package',
    {
      'a.proto': 'syntax = "proto3"; package t; import public "b.proto"; message A { v1.B b = 1; }',
      'b.proto': 'message B { int32 a = 1; }',
    },
  ],
  ['no package', { 'a.proto': 'syntax = "proto3"; message A { E e = 1; } enum E { ZERO = 0; }' }],
  ['a byte order mark', { 'a.proto': '\ufeffsyntax = "proto3"; package t.v1; message A { int32 a = 1; }' }],
  [
    'names in JSON of one’s own',
    one('message A { int32 foo_bar = 1 [json_name = "x"]; int32 b = 2 [json_name = "@type"]; }'),
  ],
  [
    'proto2 fields that differ by an underscore',
    proto2('message A { optional int32 foo_bar = 1; optional int32 fooBar = 2; }'),
  ],
  [
    'optional fields and a oneof',
    one('message A { optional int32 a = 1; oneof o { int32 b = 2; A c = 3; } optional A d = 4; }'),
  ],
];

const REFUSED: readonly (readonly [string, Files, RegExp, number?])[] = [
  [
    'enums of a package with one value',
    one('\nenum Status { UNKNOWN = 0; DONE = 1; }\nenum Phase {\n UNKNOWN = 0; TRAIN = 1; }'),
    /UNKNOWN is a value of Status in t\.v1 already/,
    4,
  ],
  [
    'enums of a message with one value',
    one('message A { enum B { X = 0; } enum C { X = 0; } }'),
    /X is a value of B in t\.v1\.A already/,
  ],
  [
    'enums over files with one value',
    { 'a.proto': 'enum A { NONE = 0; }', 'b.proto': 'enum B { NONE = 0; }' },
    /NONE is a value of A/,
  ],
  ['a value called like a message', one('message X {} enum E { X = 0; }'), /X is a message in t\.v1 already/],
  ['a value called like a field', one('message A { int32 x = 1; enum E { x = 0; } }'), /x is a field/],
  [
    'a value called like a service',
    one('message A {} service Done { } enum E { Done = 0; }'),
    /Done is a service/,
  ],
  ['a value called like its enum', one('enum E { E = 0; }'), /E is an enum/],
  ['a first value that is not 0', one('enum E { A1 = 1; }'), /the first value of an enum is 0/],
  ['an enum without values', one('enum E { }'), /no value/],
  [
    'values with one name once the prefix is left out',
    one('enum Status { STATUS_DONE = 0; DONE = 1; }'),
    /one name in languages/,
  ],
  ['values beyond 32 bits', one('enum E { A0 = 0; A1 = 4294967296; }'), /./],
  ['a number twice', one('message A { int32 a = 1; int32 b = 1; }'), /duplicate id 1/],
  ['a name twice', one('message A { int32 a = 1; int32 a = 2; }'), /duplicate name/],
  ['a message twice', { 'a.proto': 'message A {}', 'b.proto': 'message A {}' }, /duplicate name/],
  ['an enum’s number twice without an alias', one('enum E { A0 = 0; B0 = 0; }'), /duplicate id|alias/],
  ['a reserved number', one('message A { reserved 1; int32 a = 1; }'), /reserved/],
  ['a reserved name', one('message A { reserved "a"; int32 a = 1; }'), /reserved/],
  ['the number 0', one('message A { int32 a = 0; }'), /./],
  ['a number of protobuf’s own', one('message A { int32 a = 19000; }'), /19000 to 19999/],
  ['a number beyond the last', one('message A { int32 a = 536870912; }'), /./],
  [
    'fields with one name in JSON',
    one('message A { int32 foo_bar = 1; int32 fooBar = 2; }'),
    /both called fooBar in JSON/,
  ],
  [
    'a json_name that another field has',
    one('message A { int32 a = 1 [json_name = "b"]; int32 b = 2; }'),
    /both called b in JSON/,
  ],
  [
    'a map whose entries have a name that is taken',
    one('message A { map<string, int32> foo = 1; message FooEntry {} }'),
    /FooEntry/,
  ],
  [
    'two maps whose entries have one name',
    one('message A { map<string, int32> foo_bar = 1; map<string, int32> fooBar = 2; }'),
    /FooBarEntry|fooBar/,
  ],
  ['an empty oneof', one('message A { oneof o { } }'), /oneof o has no field/],
  ['required in proto3', one('message A { required int32 a = 1; }'), /./],
  ['a default in proto3', one('message A { int32 a = 1 [default = 5]; }'), /default/],
  [
    'an enum of proto2 in a message of proto3',
    {
      'a.proto': 'import "b.proto"; message A { E e = 1; }',
      'b.proto': 'syntax = "proto2"; package t.v1; enum E { E1 = 1; }',
    },
    /enum of proto2/,
  ],
  [
    'a package called like a message',
    { 'a.proto': 'syntax = "proto3"; package t; message v1 {}', 'b.proto': 'message A {}' },
    /a message and a package/,
  ],
  ['a type that is nowhere', one('message A { Nothing n = 1; }'), /unknown type/],
];

const LOADS = `
import base64, json, sys
from tutti.values.types import Types
from tutti.schemas.proto_files import read_proto_files
for line in sys.stdin:
    case = json.loads(line)
    answer = []
    for load in (lambda: Types(base64.b64decode(case["descriptors"])), lambda: read_proto_files([case["folder"]])):
        try:
            load()
        except Exception as error:
            answer.append(str(error))
    print(json.dumps(answer))
`;

function needs(ctx: TestContext): void {
  const tool = missing('google.protobuf');
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
}

describe('.proto files', () => {
  it('files that the orchestrator accepts are loaded by Python, from the descriptors of the welcome and from the files', {
    timeout: 120_000,
  }, async (ctx) => {
    needs(ctx);
    const cases = TAKEN.map(([, files]) => {
      const folder = folderWith(files);
      const types = loadTypes([folder]);
      const messages = types.names().filter((name) => types.schemaOf(name).definition.length > 0);
      return { folder, descriptors: Buffer.from(types.descriptors(messages)).toString('base64') };
    });
    const input = cases.map((each) => JSON.stringify(each)).join('\n');
    const ran = await runPython(['-c', LOADS], { input, env: { PYTHONPATH: join(root, 'python/src') } });
    expect(ran.code, ran.stderr).toBe(0);
    const answers = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as string[]);
    expect(answers.map((answer, index) => [TAKEN[index]![0], answer])).toEqual(
      TAKEN.map(([name]) => [name, []]),
    );
  });

  it.for(REFUSED)('files that have %s are refused at their place', ([, files, message, line]) => {
    let thrown: TuttiError | undefined;
    try {
      loadTypes([folderWith(files)]);
    } catch (error) {
      thrown = error as TuttiError;
    }
    expect(thrown?.code).toBe('bad_proto');
    expect(thrown!.details.map((fault) => fault.message).join('\n')).toMatch(message);
    expect(thrown!.details[0]!.path).toMatch(/\.proto:\d+$/);
    if (line !== undefined) expect(thrown!.details[0]!.path).toMatch(new RegExp(`:${line}$`));
  });
});
