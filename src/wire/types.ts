/**
 * The types that payloads have: protobuf messages known by reflection, `json:<name>` with a JSON Schema, and those that need no
 * schema, `json`, `bytes` and `bytes:<media type>`.
 * The only place where a payload's bytes become a value and a value becomes bytes.
 *
 * 1. Decoding never throws, whatever the bytes are; encoding never throws, whatever the value is.
 * 2. Two flavours of values. *JSON* is the proto3 JSON mapping with the fields' original names: enums by name, 64-bit integers
 *    as strings, bytes as base64, `NaN` and the infinities as strings. *Values* are what a node's author works with: bytes as
 *    `Uint8Array`, 64-bit integers as numbers while they are safe and as strings beyond, floats as numbers. In both, enums are
 *    names (an unknown one its number), `Timestamp` and `Duration` are their JSON strings, `Struct` and the wrappers plain values.
 * 3. Both show every field: a scalar that is not on the wire is there with its default, a list and a map are there empty. Absent are
 *    only what can be told apart from its default: unset messages, `optional` fields, members of a `oneof`.
 * 4. Encoding takes both flavours, and field names as written or in lowerCamelCase, and reports all faults at once.
 */
import protobuf from 'protobufjs';
import { type Fault, messageOf, TuttiError } from '../base/errors.js';
import { checkJsonText } from '../base/json/check-text.js';
import { JsonText, plainOf } from '../base/json/json-text.js';
import { mayHoldNumberForm, withNumbers } from '../base/json/number-form.js';
import { isPlainlySound } from '../base/json/quick-check.js';
import { didYouMean } from '../base/nearest.js';
import { isBytes } from '../model/media-type.js';
import type { TypeSchema } from '../model/protocol.js';
import { closureOf, type Declaration, declarationsToJson } from './types/closure.js';
import { jsonSchemaDifferences, messageDifferences, type Sides } from './types/compatibility.js';
import { parseDescriptors, serialiseDescriptors } from './types/descriptors.js';
import { FaultList } from './types/faults.js';
import { canonicalJson, hashOf, messageForm } from './types/fingerprint.js';
import { JsonSchemas, readJsonSchemas } from './types/json-schemas.js';
import { writeJson } from './types/json-writer.js';
import { readProtoFiles } from './types/proto-files.js';
import { createReaders } from './types/readers.js';
import { fullNameOf, messagesIn, unsupported } from './types/reflection.js';
import { bytes as writeBytes } from './types/scalar-writers.js';
import { bytesSchema, JSON_SCHEMA, schemaOf } from './types/schema.js';
import { createWriters } from './types/writers.js';

export type DecodedPayload =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** The displayed value, for `printJson`: the value itself, or the text if the payload is JSON. */
      readonly shown: unknown;
    }
  | { readonly ok: false; readonly message: string };

export type EncodedPayload =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Types as plain JSON, to be stored; `typesFromJson` reads it. The same types give the same JSON, to the order of the keys. */
export type TypesJson = Readonly<Record<string, unknown>>;

export interface TypeRegistry {
  /**
   * Whether payloads may have this type: a message's full name (`sustainml.v1.MLModel`), `json`, `json:<name>`, `bytes` or
   * `bytes:<media type>`.
   */
  has(type: string): boolean;
  /** Every type, sorted; `bytes` and `json` among them. */
  names(): readonly string[];
  /** The JSON flavour, for HTTP and events. An unknown type is a fault like any other. */
  decode(type: string, bytes: Uint8Array): DecodedPayload;
  /** The value flavour, for a node's author. The value owns its bytes; they are not views into the payload. */
  decodeValue(type: string, bytes: Uint8Array): DecodedPayload;
  /**
   * Either flavour to bytes. A fault's `path` is a JSON pointer into the value (`/minimum_samples`, `/labels/a~1b`, `''` for the whole).
   * Its `code` is one of `unknown_type` `unknown_field` `duplicate_field` `wrong_type` `out_of_range` `bad_base64` `bad_text`
   * `unknown_enum_value` `oneof_conflict` `bad_timestamp` `bad_duration` `missing_field` `too_deep` `unencodable`, or `schema` where a
   * JSON Schema does not allow the value.
   */
  encode(type: string, value: unknown): EncodedPayload;
  /** For forms: with titles, defaults, and the proto comments as descriptions. Throws `TuttiError` `unknown_type`. */
  jsonSchema(type: string): JsonSchema;
  /**
   * A serialised `google.protobuf.FileDescriptorSet` with these types and all that they need, each file after its imports; empty when
   * there are only `json` and `bytes` among them. Throws `TuttiError` `unknown_type`.
   */
  descriptors(types: readonly string[]): Uint8Array;
  /** These types and all that they need, with their comments. Throws `TuttiError` `unknown_type`. */
  toJson(types: readonly string[]): TypesJson;
  /** The form of this type, for comparison with the other side's type of the same name. Throws `TuttiError` `unknown_type`. */
  schemaOf(type: string): TypeSchema;
  /**
   * Where another side's type of this name does not fit this one, field by field; empty when they understand each other
   * (`types/compatibility.ts`). Throws `TuttiError` `unknown_type`.
   */
  differences(theirs: TypeSchema, sides: Sides): readonly Fault[];
}

export type { Sides } from './types/compatibility.js';

/**
 * Reads every `.proto` and every `<name>.schema.json` under these folders. Imports are resolved in the folders, in their order, and
 * `google/protobuf/*` is always there. Throws `TuttiError` `bad_proto`, whose `details` have the path `<file>:<line>`, or `bad_schema`.
 */
export function loadTypes(protoPaths: readonly string[]): TypeRegistry {
  const root = readProtoFiles(protoPaths);
  const { schemas, faults } = readJsonSchemas(protoPaths);
  const [first] = faults;
  if (first) throw new TuttiError('bad_schema', `${first.path}: ${first.message}`, { details: faults });
  return new ReflectedTypes(root, new JsonSchemas(schemas));
}

/**
 * The types of a serialised `google.protobuf.FileDescriptorSet`, as a node gets it with its welcome; empty bytes give only `json` and
 * `bytes`. Comments are not among what it carries, nor are JSON Schemas: any `json:<name>` is JSON. Throws `TuttiError`
 * `bad_descriptors`.
 */
export function typesFromDescriptors(bytes: Uint8Array): TypeRegistry {
  return checked(() => parseDescriptors(bytes), new JsonSchemas('any'));
}

/** The types that `toJson` gave. Throws `TuttiError` `bad_descriptors`. */
export function typesFromJson(json: TypesJson): TypeRegistry {
  const { json_schemas: schemas = {}, ...root } = structuredClone(json);
  return checked(
    () => protobuf.Root.fromJSON(root as protobuf.INamespace),
    new JsonSchemas(new Map(Object.entries(schemas as Record<string, unknown>))),
  );
}

function checked(read: () => protobuf.Root, schemas: JsonSchemas): TypeRegistry {
  let reason: string | undefined;
  try {
    const root = read();
    reason = messagesIn(root)
      .map(unsupported)
      .find((why) => why !== undefined);
    if (reason === undefined) return new ReflectedTypes(root, schemas);
  } catch (error) {
    reason = messageOf(error);
  }
  throw new TuttiError('bad_descriptors', `these type descriptors cannot be read: ${reason}`);
}

type Read = (message: unknown) => unknown;

/** As it was before any code of an author's. */
const { parse } = JSON;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

class ReflectedTypes implements TypeRegistry {
  readonly #types: ReadonlyMap<string, protobuf.Type>;
  readonly #names: readonly string[];
  readonly #jsonReader = createReaders('json', (name) => this.#types.get(name));
  readonly #valueReader = createReaders('value', (name) => this.#types.get(name));
  readonly #writer = createWriters((name) => this.#types.get(name));
  readonly #schemas: JsonSchemas;
  readonly #forms = new Map<string, TypeSchema>();

  constructor(root: protobuf.Root, schemas: JsonSchemas) {
    this.#types = new Map(messagesIn(root).map((type) => [fullNameOf(type), type]));
    this.#schemas = schemas;
    this.#names = Object.freeze([...this.#types.keys(), ...schemas.types(), 'bytes', 'json'].sort());
  }

  has(type: string): boolean {
    return type === 'json' || isBytes(type) || this.#types.has(type) || this.#schemas.has(type);
  }

  names(): readonly string[] {
    return this.#names;
  }

  decode(type: string, bytes: Uint8Array): DecodedPayload {
    return this.#read(type, bytes, this.#jsonReader, (raw) => Buffer.from(raw).toString('base64'));
  }

  decodeValue(type: string, bytes: Uint8Array): DecodedPayload {
    const read = this.#read(type, bytes, this.#valueReader, (raw) => Uint8Array.from(raw));
    return read.ok && read.shown instanceof JsonText
      ? { ...read, value: withNumbers(read.shown.text, read.value) }
      : read;
  }

  #read(
    name: string,
    bytes: Uint8Array,
    readerOf: (type: protobuf.Type) => Read,
    readBytes: (raw: Uint8Array) => unknown,
  ): DecodedPayload {
    try {
      if (name === 'json' || this.#schemas.has(name)) return this.#readJson(name, UTF8.decode(bytes));
      const type = this.#types.get(name);
      if (!type && !isBytes(name)) return { ok: false, message: this.#unknown(name) };
      const value = type ? readerOf(type)(type.decode(bytes)) : readBytes(bytes);
      return { ok: true, value, shown: value };
    } catch (error) {
      return { ok: false, message: `these ${bytes.length} bytes are not ${name}: ${messageOf(error)}` };
    }
  }

  #readJson(name: string, text: string): DecodedPayload {
    const value: unknown = parse(text);
    const wrong = isPlainlySound(text, value) ? [] : checkJsonText(text);
    const faults = wrong.length > 0 ? wrong : this.#schemaFaults(name, text, value);
    if (faults.length === 0) return { ok: true, value, shown: new JsonText(text, value) };
    const all = faults.map(({ path, message }) => (path === '' ? message : `${path} ${message}`)).join('; ');
    return { ok: false, message: `this is not a valid ${name}: ${all}` };
  }

  /** For a schema, `NaN` is a number. */
  #schemaFaults(name: string, text: string, value: unknown): readonly Fault[] {
    if (name === 'json') return [];
    return this.#schemas.faults(
      name,
      mayHoldNumberForm(text) ? withNumbers(text, structuredClone(value)) : value,
    );
  }

  encode(name: string, value: unknown): EncodedPayload {
    const list = new FaultList();
    try {
      if (name === 'json' || this.#schemas.has(name)) {
        const text = writeJson(value, list);
        // As it arrives: without the parts that are left out.
        if (list.faults.length === 0 && name !== 'json')
          list.faults.push(...this.#schemaFaults(name, text, parse(text)));
        return list.faults.length === 0
          ? { ok: true, bytes: Buffer.from(text) }
          : { ok: false, faults: list.faults };
      }
      const wrong = value instanceof JsonText ? checkJsonText(value.text) : [];
      if (wrong.length > 0) return { ok: false, faults: wrong };
      const given = plainOf(value);
      const type = this.#types.get(name);
      if (!type && !isBytes(name)) list.add(undefined, 'unknown_type', this.#unknown(name));
      const written = type
        ? this.#writer(type)(given, undefined, list, 0)
        : isBytes(name) && writeBytes(given, undefined, list);
      if (list.faults.length === 0) {
        return { ok: true, bytes: type ? type.encode(written as object).finish() : (written as Uint8Array) };
      }
    } catch (error) {
      list.add(undefined, 'unencodable', `this value cannot be encoded as ${name}: ${messageOf(error)}`);
    }
    return { ok: false, faults: list.faults };
  }

  jsonSchema(type: string): JsonSchema {
    if (type === 'json') return JSON_SCHEMA;
    if (isBytes(type)) return bytesSchema(type);
    if (this.#schemas.has(type)) return (this.#schemas.schema(type) ?? JSON_SCHEMA) as JsonSchema;
    return schemaOf(this.#get(type));
  }

  descriptors(types: readonly string[]): Uint8Array {
    return serialiseDescriptors(this.#closure(types));
  }

  toJson(types: readonly string[]): TypesJson {
    const schemas = types
      .filter((type) => this.#schemas.schema(type) !== undefined)
      .sort()
      .map((type) => [type.slice('json:'.length), this.#schemas.schema(type)]);
    const declared = declarationsToJson(this.#closure(types));
    return schemas.length === 0 ? declared : { ...declared, json_schemas: Object.fromEntries(schemas) };
  }

  schemaOf(type: string): TypeSchema {
    let form = this.#forms.get(type);
    if (form) return form;
    if (type === 'json' || isBytes(type)) {
      form = { type, hash: hashOf(type), definition: new Uint8Array() };
    } else if (this.#schemas.has(type)) {
      const text = canonicalJson(this.#schemas.schema(type) ?? {});
      form = { type, hash: hashOf(text), definition: Buffer.from(text) };
    } else {
      form = { type, hash: hashOf(messageForm(this.#get(type))), definition: this.descriptors([type]) };
    }
    this.#forms.set(type, form);
    return form;
  }

  differences(theirs: TypeSchema, sides: Sides): readonly Fault[] {
    const { type, definition } = theirs;
    if (this.schemaOf(type).hash === theirs.hash) return [];
    const unreadable = (why: string): Fault[] => [
      { path: '', code: 'bad_descriptors', message: `${type}: ${why}` },
    ];
    try {
      if (definition.byteLength === 0)
        return unreadable(`the hash differs, and ${sides.theirs} does not say its schema`);
      if (this.#schemas.has(type)) {
        return jsonSchemaDifferences(this.#schemas.schema(type) ?? {}, parse(UTF8.decode(definition)), sides);
      }
      const other = messagesIn(parseDescriptors(definition)).find((each) => fullNameOf(each) === type);
      return other
        ? messageDifferences(this.#get(type), other, sides)
        : unreadable(`the descriptors of ${sides.theirs} do not have it`);
    } catch (error) {
      return unreadable(`the schema of ${sides.theirs} cannot be read: ${messageOf(error)}`);
    }
  }

  #closure(types: readonly string[]): Declaration[] {
    return closureOf(
      types
        .filter((type) => type !== 'json' && !isBytes(type) && !this.#schemas.has(type))
        .map((type) => this.#get(type)),
    );
  }

  #get(name: string): protobuf.Type {
    const type = this.#types.get(name);
    if (!type) throw new TuttiError('unknown_type', this.#unknown(name));
    return type;
  }

  #unknown(name: string): string {
    if (name.startsWith('bytes:')) return `${name} does not name a media type: give one like bytes:image/png`;
    return `there is no type ${name}${didYouMean(name, this.#names)}`;
  }
}
