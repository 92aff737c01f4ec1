/** Types as JSON Schema, draft 2020-12, of their JSON flavour: for forms, and for tools that know nothing of protobuf. */
import protobuf from 'protobufjs';
import { mediaTypeOf } from '../../model/media-type.js';
import { fullNameOf, hasPresence, isMap, originalName, writtenOneof } from './reflection.js';
import { isWrapper } from './well-known-readers.js';

type Schema = Record<string, unknown>;

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** The schema of `json`. */
export const JSON_SCHEMA: Schema = { $schema: DRAFT, title: 'json', description: 'Any JSON value.' };

/** The schema of `bytes` and `bytes:<media type>`. */
export function bytesSchema(type: string): Schema {
  const mediaType = mediaTypeOf(type);
  return {
    $schema: DRAFT,
    title: type,
    type: 'string',
    contentEncoding: 'base64',
    ...(mediaType !== undefined && { contentMediaType: mediaType }),
  };
}

/** Messages and enums are under `$defs`, by their full names; a form follows the `$ref`s. Members of a oneof carry its name as `x-oneof`. */
export function schemaOf(type: protobuf.Type): Schema {
  const $defs: Record<string, Schema> = {};

  function refer(declaration: protobuf.Type | protobuf.Enum): Schema {
    const name = fullNameOf(declaration);
    const wellKnown = wellKnownSchema(name, declaration);
    if (wellKnown) return wellKnown;
    if (!Object.hasOwn($defs, name)) {
      $defs[name] = {};
      $defs[name] =
        declaration instanceof protobuf.Enum ? enumSchema(declaration) : messageSchema(declaration);
    }
    return { $ref: `#/$defs/${name}` };
  }

  function messageSchema(message: protobuf.Type): Schema {
    const fields = message.fieldsArray;
    const required = fields.filter((field) => field.required).map(originalName);
    return {
      title: message.name,
      ...describe(message.comment),
      type: 'object',
      properties: Object.fromEntries(fields.map((field) => [originalName(field), fieldSchema(field)])),
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    };
  }

  function fieldSchema(field: protobuf.Field): Schema {
    const single = singleSchema(field);
    const oneof = writtenOneof(field);
    const { deprecated } = (field.options ?? {}) as { deprecated?: boolean };
    return {
      ...describe(field.comment),
      ...(deprecated && { deprecated: true }),
      ...(oneof && { 'x-oneof': oneof.name }),
      ...(isMap(field)
        ? { type: 'object', additionalProperties: single, default: {} }
        : field.repeated
          ? { type: 'array', items: single, default: [] }
          : { ...single, ...defaultOf(field) }),
    };
  }

  function singleSchema(field: protobuf.Field): Schema {
    const { resolvedType } = field.resolve();
    return resolvedType ? refer(resolvedType) : { ...SCALARS[field.type] };
  }

  /** The JSON forms of `google/protobuf/*`. */
  function wellKnownSchema(name: string, declaration: protobuf.Type | protobuf.Enum): Schema | undefined {
    if (declaration instanceof protobuf.Type && isWrapper(name)) {
      return singleSchema(declaration.fieldsById[1]!);
    }
    return WELL_KNOWN[name];
  }

  const schema = refer(type);
  return { $schema: DRAFT, title: type.name, ...schema, ...(Object.keys($defs).length > 0 && { $defs }) };
}

function enumSchema(type: protobuf.Enum): Schema {
  const comments = Object.entries(type.comments).filter(([, comment]) => comment);
  return {
    title: type.name,
    ...describe(
      [type.comment, ...comments.map(([name, text]) => `${name}: ${text}`)].filter(Boolean).join('\n'),
    ),
    // A number that this version of the type has no name for stays a number.
    anyOf: [{ type: 'string', enum: Object.keys(type.values) }, { type: 'integer' }],
  };
}

function describe(comment: string | null | undefined): Schema {
  return comment ? { description: comment } : {};
}

/** The value of an absent field, in the JSON flavour. */
function defaultOf(field: protobuf.Field): Schema {
  if (hasPresence(field)) return {};
  const { resolvedType, typeDefault } = field;
  if (resolvedType instanceof protobuf.Enum) {
    return { default: resolvedType.valuesById[typeDefault as number] ?? 0 };
  }
  if (field.type === 'bytes') return { default: '' };
  return { default: field.type.endsWith('64') ? String(typeDefault) : typeDefault };
}

function integer(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum };
}

const INT32 = integer(-(2 ** 31), 2 ** 31 - 1);
const UINT32 = integer(0, 2 ** 32 - 1);
/** Text, since JSON's numbers end at 2^53. */
const INT64 = { type: ['string', 'integer'], pattern: '^-?[0-9]{1,19}$' };
const UINT64 = { type: ['string', 'integer'], pattern: '^[0-9]{1,20}$', minimum: 0 };
const REAL = { anyOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }] };

const SCALARS: Readonly<Record<string, Schema>> = {
  ...{ int32: INT32, sint32: INT32, sfixed32: INT32, uint32: UINT32, fixed32: UINT32 },
  ...{ int64: INT64, sint64: INT64, sfixed64: INT64, uint64: UINT64, fixed64: UINT64 },
  ...{ double: REAL, float: REAL, bool: { type: 'boolean' }, string: { type: 'string' } },
  bytes: { type: 'string', contentEncoding: 'base64' },
};

const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$' },
  'google.protobuf.Struct': { type: 'object' },
  'google.protobuf.ListValue': { type: 'array' },
  'google.protobuf.Value': {},
  'google.protobuf.FieldMask': { type: 'string', pattern: '^[A-Za-z0-9.,]*$' },
  'google.protobuf.Any': { type: 'object', properties: { '@type': { type: 'string' } } },
  'google.protobuf.NullValue': { enum: [null, 'NULL_VALUE'] },
};
