import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../../frontend-bridge/web/src/display/amounts.js';
import { fromBase64, textOf, toBase64 } from '../../../frontend-bridge/web/src/form/bytes.js';
import { fieldErrors } from '../../../frontend-bridge/web/src/form/field-faults.js';
import { isSchemaless, toFormSchema } from '../../../frontend-bridge/web/src/form/form-schema.js';
import { fromLocalInput, toLocalInput } from '../../../frontend-bridge/web/src/problems/local-time.js';
import { loadTypes } from '../../../src/wire/types.js';

const types = loadTypes(['proto']);

describe('the form of a type', () => {
  it('has a field for each field of the message, named and explained as in the proto', () => {
    const schema = toFormSchema(types.jsonSchema('sustainml.v1.UserInput') as Record<string, unknown>);
    const properties = schema.properties as Record<string, Record<string, unknown>>;
    expect(Object.keys(properties)).toHaveLength(14);
    expect(properties.minimum_samples).toEqual({
      title: 'minimum_samples',
      description: 'The fewest training samples that the user can provide.',
      type: 'integer',
      minimum: 0,
      maximum: 4294967295,
    });
    expect(properties.inputs).toMatchObject({ type: 'array', items: { type: 'string' } });
    expect(properties.desired_carbon_footprint).toMatchObject({ type: 'number' });
    expect(properties.extra_data).toMatchObject({ type: 'string', format: 'bytes' });
    expect(JSON.stringify(schema)).not.toMatch(/"default"|"anyOf"|"\$ref"/);
  });

  it('offers the choices of a field that only lists them', () => {
    const properties = { course: { enum: ['soup', 'cake'] }, mixed: { enum: ['soup', 3] } };
    expect(toFormSchema({ type: 'object', properties }).properties).toEqual({
      course: { title: 'course', type: 'string', enum: ['soup', 'cake'] },
      mixed: { title: 'mixed', type: 'string', format: 'json' },
    });
  });

  it('asks in plain for what may be spelled in several ways, and as JSON for what cannot be drawn', () => {
    const $defs = {
      'a.Kind': { description: 'Which.', anyOf: [{ type: 'string', enum: ['KIND_A'] }, { type: 'integer' }] },
      'a.Tree': {
        type: 'object',
        properties: { label: { type: 'string' }, left: { $ref: '#/$defs/a.Tree', description: 'A part.' } },
      },
    };
    const schema = toFormSchema({
      type: 'object',
      $defs,
      properties: {
        kind: { $ref: '#/$defs/a.Kind', 'x-oneof': 'choice' },
        big: { type: ['string', 'integer'], pattern: '^[0-9]+$' },
        tree: { $ref: '#/$defs/a.Tree' },
        map: { type: 'object', additionalProperties: { type: 'string' } },
        any: {},
      },
    });
    expect(schema.properties).toEqual({
      kind: {
        title: 'kind',
        description: 'Which. One of “choice”: set only one.',
        type: 'string',
        enum: ['KIND_A'],
      },
      big: { title: 'big', type: 'string', pattern: '^[0-9]+$' },
      tree: {
        title: 'tree',
        type: 'object',
        properties: {
          label: { title: 'label', type: 'string' },
          left: { title: 'left', description: 'A part.', type: 'string', format: 'json' },
        },
      },
      map: { title: 'map', type: 'string', format: 'json' },
      any: { title: 'any', type: 'string', format: 'json' },
    });
  });

  it('is none for a type of any value', () => {
    expect(isSchemaless(types.jsonSchema('json') as Record<string, unknown>)).toBe(true);
    expect(isSchemaless(types.jsonSchema('bytes') as Record<string, unknown>)).toBe(false);
    expect(isSchemaless(types.jsonSchema('sustainml.v1.MLModel') as Record<string, unknown>)).toBe(false);
  });

  it('shows faults at their fields, those of a list at its items', () => {
    const fault = (path: string, message: string) => ({ path, code: 'bad', message });
    const faults = [
      fault('/input/a/0/b', 'no'),
      fault('/input/a', 'too many'),
      fault('/input/a/0/b', 'really'),
    ];
    expect(fieldErrors(faults)).toEqual({
      a: { __errors: ['too many'], 0: { b: { __errors: ['no', 'really'] } } },
    });
  });
});

describe('bytes', () => {
  it('come back from base64 as they were, and are a text only where they are one', () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    expect(textOf(new TextEncoder().encode('größer\n'))).toBe('größer\n');
    expect(textOf(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
    expect(textOf(Uint8Array.of(0, 1, 2))).toBeUndefined();
    expect(fromBase64('not base64!')).toBeUndefined();
  });

  it('are counted with their unit', () => {
    expect([0, 812, 4300, 13 * 1024 ** 2, 5 * 1024 ** 4].map(formatBytes)).toEqual([
      '0 B',
      '812 B',
      '4.2 KiB',
      '13 MiB',
      '5.0 TiB',
    ]);
  });
});

describe("a time in the viewer's zone", () => {
  it('comes back from the field that it was put into', () => {
    const time = '2026-03-01T10:07:00.000Z';
    expect(fromLocalInput(toLocalInput(time))).toBe(time);
    expect(toLocalInput(undefined)).toBe('');
    expect(fromLocalInput('')).toBeUndefined();
  });
});
