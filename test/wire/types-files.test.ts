import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TuttiError } from '../../src/base/errors.js';
import { loadTypes } from '../../src/wire/types.js';

const parent = mkdtempSync(join(tmpdir(), 'tutti-protos-'));
afterAll(() => rmSync(parent, { recursive: true }));

let count = 0;
/** A folder with these files. */
function folderWith(files: Record<string, string>): string {
  count += 1;
  const folder = join(parent, String(count));
  mkdirSync(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.startsWith('syntax') ? text : `syntax = "proto3";\n${text}`);
  }
  return folder;
}

/** `<file>:<line> <message>` of each fault, the file as it is called in its folder. */
function faultsOf(...folders: string[]): string[] {
  try {
    loadTypes(folders);
  } catch (error) {
    const { code, details } = error as TuttiError;
    expect(code).toBe('bad_proto');
    const shortened = (path: string) =>
      folders.reduce((text, folder) => text.replace(`${relative('', folder)}/`, ''), path);
    return details.map(({ path, message }) => `${shortened(path)} ${message}`);
  }
  return [];
}

describe('proto files', () => {
  it('import each other over folders, and the well-known ones from nowhere', () => {
    const a = folderWith({ 'a/a.proto': 'package a; import "b/b.proto"; message A { b.B b = 1; }' });
    const b = folderWith({
      'b/b.proto':
        'package b; import "google/protobuf/timestamp.proto"; message B { google.protobuf.Timestamp t = 1; }',
    });
    expect(loadTypes([a, b]).names()).toEqual(['a.A', 'b.B', 'bytes', 'google.protobuf.Timestamp', 'json']);
  });

  it('count once when several folders lead to them, the first folder’s first', () => {
    const first = folderWith({ 'x/x.proto': 'package x; message First {}' });
    const second = folderWith({ 'x/x.proto': 'package x; message Second {}' });
    expect(loadTypes([first, join(first, 'x'), second]).names()).toEqual(['bytes', 'json', 'x.First']);
  });

  it('find a type from the innermost scope outwards, and not within a sibling', () => {
    const types = loadTypes([
      folderWith({
        'a.proto':
          'package a; enum K { LOW = 0; } message M { K k = 1; message N { message O { enum K { DEEP = 0; } } } }',
      }),
    ]);
    expect(types.decode('a.M', new Uint8Array())).toMatchObject({ ok: true, value: { k: 'LOW' } });
  });

  it('may be none at all', () => {
    expect(loadTypes([]).names()).toEqual(['bytes', 'json']);
    expect(loadTypes([folderWith({})]).names()).toEqual(['bytes', 'json']);
  });

  it('have their faults reported over all files, with file and line', () => {
    const folder = folderWith({
      'a.proto': 'message A {\n  string x == 1;\n}',
      'b.proto': 'import "nowhere.proto";\nmessage B {\n  string x = 1;\n  string y = 1;\n}',
      'c.proto': 'message C {}\n\nmessage C {}',
    });
    expect(faultsOf(folder)).toEqual([
      expect.stringMatching(/^a\.proto:3 illegal id '='/),
      expect.stringMatching(/^b\.proto:5 duplicate id 1/),
      expect.stringMatching(/^c\.proto:4 duplicate name 'C'/),
    ]);
  });

  it('name an import that is not there, and a type that is not there', () => {
    expect(faultsOf(folderWith({ 'a.proto': '\nimport "no/where.proto";' }))).toEqual([
      expect.stringMatching(/^a\.proto:3 imports no\/where\.proto/),
    ]);
    const text = 'message Leaf {}\nmessage A {\n  Leaf x = 1;\n  Laef y = 2;\n}';
    expect(faultsOf(folderWith({ 'a.proto': text }))).toEqual([
      'a.proto:5 y has the unknown type Laef (did you mean Leaf?)',
    ]);
  });

  it('are proto2 or proto3, without groups', () => {
    const edition = folderWith({ 'a.proto': '' });
    writeFileSync(join(edition, 'a.proto'), 'edition = "2023";\nmessage A { int32 x = 1; }');
    expect(faultsOf(edition)).toEqual([expect.stringContaining('a.proto:2 edition 2023 is not supported')]);
    const group = folderWith({ 'a.proto': 'syntax = "proto2";\nmessage A { optional group G = 1 { } }' });
    expect(faultsOf(group)).toEqual([expect.stringContaining('is a group')]);
  });

  it('proto2 files keep required, optional and closed fields', () => {
    const types = loadTypes([
      folderWith({
        'a.proto':
          'syntax = "proto2";\nenum E { ONE = 1; TWO = 2; }\nmessage A { required string r = 1; optional int32 o = 2; optional E e = 3; }',
      }),
    ]);
    expect(types.encode('A', { e: 7 })).toMatchObject({
      faults: [
        { path: '/e', code: 'unknown_enum_value' },
        { path: '/r', code: 'missing_field' },
      ],
    });
    const encoded = types.encode('A', { r: '' });
    expect(encoded.ok && types.decode('A', encoded.bytes)).toMatchObject({ ok: true, value: { r: '' } });
    expect(types.decode('A', new Uint8Array()).ok).toBe(false);
  });

  it('are in folders that can be read', () => {
    const nowhere = join(parent, 'nowhere');
    const file = join(folderWith({ 'a.proto': '' }), 'a.proto');
    expect(faultsOf(nowhere, file)).toEqual([
      expect.stringContaining('nowhere this proto path cannot be read'),
      expect.stringContaining('it is not a folder'),
    ]);
  });
});
