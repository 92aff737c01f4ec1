/**
 * The types that payloads have: protobuf messages known by reflection, and the two that need no schema, `json` and `bytes`.
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
import { didYouMean } from '../base/nearest.js';
import { closureOf, type Declaration, declarationsToJson } from './types/closure.js';
import { parseDescriptors, serialiseDescriptors } from './types/descriptors.js';
import { FaultList, show } from './types/faults.js';
import { readProtoFiles } from './types/proto-files.js';
import { createReaders } from './types/readers.js';
import { fullNameOf, messagesIn, unsupported } from './types/reflection.js';
import { bytes as writeBytes } from './types/scalar-writers.js';
import { SCHEMALESS, schemaOf } from './types/schema.js';
import { createWriters } from './types/writers.js';

export type DecodedPayload =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

export type EncodedPayload =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Types as plain JSON, to be stored; `typesFromJson` reads it. The same types give the same JSON, to the order of the keys. */
export type TypesJson = Readonly<Record<string, unknown>>;

export interface TypeRegistry {
  /** Whether payloads may have this type: a message's full name (`sustainml.v1.MLModel`), `json` or `bytes`. */
  has(type: string): boolean;
  /** Every type, sorted; `bytes` and `json` among them. */
  names(): readonly string[];
  /** The JSON flavour, for HTTP and events. An unknown type is a fault like any other. */
  decode(type: string, bytes: Uint8Array): DecodedPayload;
  /** The value flavour, for a node's author. The value owns its bytes; they are no views into the payload. */
  decodeValue(type: string, bytes: Uint8Array): DecodedPayload;
  /**
   * Either flavour to bytes. A fault's `path` is a JSON pointer into the value (`/minimum_samples`, `/labels/a~1b`, `''` for the whole).
   * Its `code` is one of `unknown_type` `unknown_field` `duplicate_field` `wrong_type` `out_of_range` `bad_base64` `bad_text`
   * `unknown_enum_value` `oneof_conflict` `bad_timestamp` `bad_duration` `missing_field` `too_deep` `unencodable`.
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
}

/**
 * Reads every `.proto` under these folders. Imports are resolved in the folders, in their order, and `google/protobuf/*` is always
 * there. Throws `TuttiError` `bad_proto`, whose `details` have the path `<file>:<line>`.
 */
export function loadTypes(protoPaths: readonly string[]): TypeRegistry {
  return new ReflectedTypes(readProtoFiles(protoPaths));
}

/**
 * The types of a serialised `google.protobuf.FileDescriptorSet`, as a node gets it with its welcome; empty bytes give only `json` and
 * `bytes`. Comments are not among what it carries. Throws `TuttiError` `bad_descriptors`.
 */
export function typesFromDescriptors(bytes: Uint8Array): TypeRegistry {
  return checked(() => parseDescriptors(bytes));
}

/** The types that `toJson` gave. Throws `TuttiError` `bad_descriptors`. */
export function typesFromJson(json: TypesJson): TypeRegistry {
  return checked(() => protobuf.Root.fromJSON(structuredClone(json) as protobuf.INamespace));
}

function checked(read: () => protobuf.Root): TypeRegistry {
  let reason: string | undefined;
  try {
    const root = read();
    reason = messagesIn(root)
      .map(unsupported)
      .find((why) => why !== undefined);
    if (reason === undefined) return new ReflectedTypes(root);
  } catch (error) {
    reason = messageOf(error);
  }
  throw new TuttiError('bad_descriptors', `these type descriptors cannot be read: ${reason}`);
}

type Read = (message: unknown) => unknown;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

class ReflectedTypes implements TypeRegistry {
  readonly #types: ReadonlyMap<string, protobuf.Type>;
  readonly #names: readonly string[];
  readonly #jsonReader = createReaders('json');
  readonly #valueReader = createReaders('value');
  readonly #writer = createWriters();

  constructor(root: protobuf.Root) {
    this.#types = new Map(messagesIn(root).map((type) => [fullNameOf(type), type]));
    this.#names = Object.freeze([...this.#types.keys(), 'bytes', 'json'].sort());
  }

  has(type: string): boolean {
    return type === 'json' || type === 'bytes' || this.#types.has(type);
  }

  names(): readonly string[] {
    return this.#names;
  }

  decode(type: string, bytes: Uint8Array): DecodedPayload {
    return this.#read(type, bytes, this.#jsonReader, (raw) => Buffer.from(raw).toString('base64'));
  }

  decodeValue(type: string, bytes: Uint8Array): DecodedPayload {
    return this.#read(type, bytes, this.#valueReader, (raw) => Uint8Array.from(raw));
  }

  #read(
    name: string,
    bytes: Uint8Array,
    readerOf: (type: protobuf.Type) => Read,
    readBytes: (raw: Uint8Array) => unknown,
  ): DecodedPayload {
    try {
      if (name === 'bytes') return { ok: true, value: readBytes(bytes) };
      if (name === 'json') return { ok: true, value: JSON.parse(UTF8.decode(bytes)) };
      const type = this.#types.get(name);
      if (!type) return { ok: false, message: this.#unknown(name) };
      return { ok: true, value: readerOf(type)(type.decode(bytes)) };
    } catch (error) {
      return { ok: false, message: `these ${bytes.length} bytes are no ${name}: ${messageOf(error)}` };
    }
  }

  encode(name: string, value: unknown): EncodedPayload {
    const list = new FaultList();
    try {
      if (name === 'json') return { ok: true, bytes: encodeJson(value) };
      const type = this.#types.get(name);
      if (!type && name !== 'bytes') list.add(undefined, 'unknown_type', this.#unknown(name));
      const written = type
        ? this.#writer(type)(value, undefined, list, 0)
        : name === 'bytes' && writeBytes(value, undefined, list);
      if (list.faults.length === 0) {
        return { ok: true, bytes: type ? type.encode(written as object).finish() : (written as Uint8Array) };
      }
    } catch (error) {
      list.add(undefined, 'unencodable', `this value cannot be encoded as ${name}: ${messageOf(error)}`);
    }
    return { ok: false, faults: list.faults };
  }

  jsonSchema(type: string): JsonSchema {
    return type === 'json' || type === 'bytes' ? SCHEMALESS[type] : schemaOf(this.#get(type));
  }

  descriptors(types: readonly string[]): Uint8Array {
    return serialiseDescriptors(this.#closure(types));
  }

  toJson(types: readonly string[]): TypesJson {
    return declarationsToJson(this.#closure(types));
  }

  #closure(types: readonly string[]): Declaration[] {
    return closureOf(
      types.filter((type) => type !== 'json' && type !== 'bytes').map((type) => this.#get(type)),
    );
  }

  #get(name: string): protobuf.Type {
    const type = this.#types.get(name);
    if (!type) throw new TuttiError('unknown_type', this.#unknown(name));
    return type;
  }

  #unknown(name: string): string {
    return `there is no type ${name}${didYouMean(name, this.#names)}`;
  }
}

function encodeJson(value: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${show(value)} has no JSON form`);
  return Buffer.from(text);
}
