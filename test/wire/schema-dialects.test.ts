import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTypes } from '../../src/wire/types.js';

const parent = mkdtempSync(join(tmpdir(), 'tutti-dialects-'));
afterAll(() => rmSync(parent, { recursive: true }));

let count = 0;
function fits(schema: unknown, value: unknown, encode: (text: string) => Uint8Array = Buffer.from): boolean {
  count += 1;
  const folder = mkdtempSync(join(parent, `${count}-`));
  writeFileSync(join(folder, 's.schema.json'), encode(JSON.stringify(schema)));
  return loadTypes([folder]).encode('json:s', value).ok;
}

describe('a JSON Schema', () => {
  it.each([
    'https://json-schema.org/draft/2020-12/schema',
    'http://json-schema.org/draft/2020-12/schema#',
    'https://json-schema.org/draft/2019-09/schema',
    'https://json-schema.org/draft/2019-09/schema#',
    'http://json-schema.org/draft-07/schema#',
    'http://json-schema.org/draft-07/schema',
    'https://json-schema.org/draft-07/schema#',
    'http://json-schema.org/draft-06/schema#',
    'http://json-schema.org/draft-04/schema#',
    undefined,
  ])('may name the draft %s', ($schema) => {
    const schema = { $schema, type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
    expect([fits(schema, { a: 1 }), fits(schema, { a: 'x' }), fits(schema, {})]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('a schema that names an unknown dialect is refused with the known ones', () => {
    for (const $schema of ['https://example.com/mine', 'http://json-schema.org/draft-03/schema#', 5, null]) {
      expect(() => fits({ $schema }, 1)).toThrow(/is not known: give one of https:\/\/json-schema\.org/);
    }
  });

  it.each<readonly [string, object, readonly unknown[], readonly unknown[]]>([
    [
      'draft-04: bounds as booleans, id',
      {
        $schema: 'http://json-schema.org/draft-04/schema#',
        id: 'http://a.b/c',
        minimum: 0,
        exclusiveMinimum: true,
      },
      [1],
      [0],
    ],
    [
      'draft-06: exclusive bounds as numbers, const',
      { $schema: 'http://json-schema.org/draft-06/schema#', exclusiveMinimum: 0, not: { const: 5 } },
      [1],
      [0, 5],
    ],
    [
      'draft-07: definitions, tuples, if',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        definitions: { p: { type: 'string' } },
        items: [{ $ref: '#/definitions/p' }],
        additionalItems: false,
        if: { maxItems: 0 },
        else: { maxItems: 1 },
      },
      [['a'], []],
      [[1], ['a', 'b']],
    ],
    [
      'draft-07: a reference with an $id of its own',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        $id: 'https://example.com/schemas/order.json',
        properties: { a: { $ref: 'order.json#/definitions/a' } },
        definitions: { a: { type: 'number' } },
      },
      [{ a: 1 }],
      [{ a: '' }],
    ],
    [
      '2019-09: $defs, $recursiveRef, unevaluated',
      {
        $schema: 'https://json-schema.org/draft/2019-09/schema',
        $defs: { a: { properties: { a: true } } },
        allOf: [{ $ref: '#/$defs/a' }],
        unevaluatedProperties: false,
      },
      [{ a: 1 }],
      [{ b: 1 }],
    ],
    [
      '2020-12: prefixItems, dependentRequired',
      { prefixItems: [{ type: 'string' }], items: false, dependentRequired: { a: ['b'] } },
      [['a'], { a: 1, b: 1 }],
      [['a', 1], { a: 1 }],
    ],
    [
      'multiples of decimals',
      { multipleOf: 0.01 },
      [19.99, 0.07, 1.1, 4.35, 1e9 + 0.01, 0, -19.99, 1e300, 123456789012],
      [19.999, 0.001, 1e-9],
    ],
    [
      'multiples of what is small, or large',
      { anyOf: [{ multipleOf: 1e-7 }, { multipleOf: 1e21 }] },
      [0.0000003, 3e21],
      [1e-8],
    ],
    ['multiples of whole numbers', { multipleOf: 3 }, [9, 0, -3, 3e20], [10, 0.3]],
    ['a hyphen that is escaped', { pattern: '^[\\w\\-]+\\-\\d$' }, ['a-b-1'], ['a_b']],
    ['other escapes that need none', { pattern: '^\\"\\#\\@\\_\\:\\,\\ \\=$' }, ['"#@_:, ='], ['x']],
    ['braces by themselves', { pattern: '^{[a-z]+}$' }, ['{a}'], ['a']],
    ['classes of Unicode', { pattern: '^\\p{L}+$' }, ['häß', '𝔘'], ['1']],
    ['one character beyond 16 bits', { pattern: '^.$' }, ['🎼'], ['ab']],
    ['named groups, look-behind', { pattern: '^(?<y>\\d{4})(?<=4)$' }, ['2024'], ['2025']],
    ['formats', { format: 'date-time' }, ['2025-01-01T00:00:00Z', 5], ['yesterday']],
    [
      'formats that are not known',
      { properties: { a: { format: 'ulid' }, b: { type: 'integer', format: 'int32' } } },
      [{ a: 'x', b: 1 }],
      [{ b: 2 ** 40 }],
    ],
    [
      'keywords of OpenAPI and of editors',
      {
        nullable: true,
        type: 'string',
        example: 'x',
        'x-order': 1,
        discriminator: { propertyName: 'a' },
        markdownDescription: 'x',
      },
      ['a', null],
      [1],
    ],
    [
      'descriptions without types',
      { $comment: 'x', title: 't', properties: { '': {}, constructor: { type: 'number' } } },
      [{ constructor: 1 }, {}],
      [{ constructor: 'x' }],
    ],
  ])('is taken as tools write it: %s', (_, schema, good, bad) => {
    expect(good.filter((value) => !fits(schema, value))).toEqual([]);
    expect(bad.filter((value) => fits(schema, value))).toEqual([]);
  });

  it('may be a file as editors on Windows write it', () => {
    const schema = { type: 'string' };
    expect(fits(schema, 'x', (text) => Buffer.from(`\ufeff${text}`))).toBe(true);
    expect(fits(schema, 'x', (text) => Buffer.from(`\ufeff${text}`, 'utf16le'))).toBe(true);
  });

  it.each([
    ['\\A[a-z]+\\Z', 'another language'],
    ['(?i)abc', 'flags'],
    ['(', 'no end'],
  ])('a schema with the pattern %s is refused: JavaScript would read it differently', (pattern) => {
    expect(() => fits({ pattern }, 'x')).toThrow(/s\.schema\.json/);
  });

  it('an invalid schema is refused', () => {
    for (const schema of [[], 'x', 5, { type: 'strin' }, { $ref: '#/nowhere' }]) {
      expect(() => fits(schema, 1)).toThrow(expect.objectContaining({ code: 'bad_schema' }));
    }
  });
});
