/** From protobufjs' messages to plain values, in either flavour. Compiled once for each type, into closures over its fields. */
import protobuf from 'protobufjs';
import { JsonText } from '../../base/json/json-text.js';
import { type LookUp, readAny, readFieldMask } from './any.js';
import { fullNameOf, hasPresence, isMap, type MapField, originalName } from './reflection.js';
import { type Read, wellKnownReader } from './well-known-readers.js';

export type Flavour = 'json' | 'value';

interface Long {
  toNumber(): number;
  toString(): string;
}

interface FieldReader {
  /** The property of the protobufjs message. */
  readonly property: string;
  readonly name: string;
  readonly presence: boolean;
  readonly read: Read;
}

/** The reader of each message type in one flavour. A reader throws `RangeError` for what the JSON mapping cannot say. */
export function createReaders(flavour: Flavour, lookUp: LookUp): (type: protobuf.Type) => Read {
  const readers = new Map<protobuf.Type, Read>();

  function readerOf(type: protobuf.Type): Read {
    const known = readers.get(type);
    if (known) return known;
    const reader =
      readerBeyond(type) ??
      wellKnownReader(fullNameOf(type), type, readField, readerOf, SCALARS[flavour].double ?? asIs) ??
      messageReader(type);
    readers.set(type, reader);
    return reader;
  }

  function readerBeyond(type: protobuf.Type): Read | undefined {
    const name = fullNameOf(type);
    if (name === 'google.protobuf.Any') return readAny(type, lookUp, readerOf, messageReader(type));
    return name === 'google.protobuf.FieldMask' ? readFieldMask(type) : undefined;
  }

  function messageReader(type: protobuf.Type): Read {
    let fields: FieldReader[] | undefined;
    // Compiled at first use, when a type that contains itself has its reader already.
    const compile = () =>
      type.fieldsArray.map((field) => ({
        property: field.name,
        name: originalName(field),
        presence: hasPresence(field),
        read: readField(field),
      }));
    return (raw) => {
      fields ??= compile();
      const message = raw as Record<string, unknown>;
      const value: Record<string, unknown> = {};
      for (const field of fields) {
        if (field.presence && !Object.hasOwn(message, field.property)) continue;
        value[field.name] = field.read(message[field.property]);
      }
      return value;
    };
  }

  function readField(field: protobuf.Field): Read {
    const read = readSingle(field);
    if (isMap(field)) return readMap(field, read);
    if (field.repeated) return (raw) => (raw as unknown[]).map(read);
    return read;
  }

  function readSingle(field: protobuf.Field): Read {
    const { resolvedType } = field.resolve();
    if (resolvedType instanceof protobuf.Enum) {
      const names = resolvedType.valuesById;
      return (raw) => names[raw as number] ?? raw;
    }
    if (resolvedType) {
      let read: Read | undefined;
      return (raw) => {
        read ??= readerOf(resolvedType);
        return read(raw);
      };
    }
    return SCALARS[flavour][field.type] ?? asIs;
  }

  return readerOf;
}

function readMap(field: MapField, read: Read): Read {
  const is64 = field.keyType.endsWith('64');
  const unsigned = field.keyType === 'uint64' || field.keyType === 'fixed64';
  return (raw) => {
    const map: Record<string, unknown> = {};
    for (const [hash, value] of Object.entries(raw as object)) {
      const key = is64 ? String(protobuf.util.longFromHash(hash, unsigned)) : hash;
      if (key === '__proto__') {
        const own = { value: read(value), enumerable: true, configurable: true, writable: true };
        Object.defineProperty(map, key, own);
      } else map[key] = read(value);
    }
    return map;
  };
}

const asIs: Read = (raw) => raw;
const longAsText: Read = (raw) => String(raw);

function longAsNumber(raw: unknown): unknown {
  const number = (raw as Long).toNumber();
  return Number.isSafeInteger(number) ? number : String(raw);
}

/** `JSON.stringify` would drop the sign. */
const MINUS_ZERO = new JsonText('-0.0', -0);

export function doubleAsJson(raw: unknown): unknown {
  if (Object.is(raw, -0)) return MINUS_ZERO;
  return Number.isFinite(raw) ? raw : String(raw);
}

/** The shortest decimal that is still the same 32-bit float: 0.1, not 0.10000000149011612. */
function floatAsJson(raw: unknown): unknown {
  const float = raw as number;
  if (!Number.isFinite(float) || float === 0) return doubleAsJson(float);
  if (Number.isInteger(float)) return float;
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return Number(float.toPrecision(9));
}

function bytesAsBase64(raw: unknown): string {
  const bytes = raw as Uint8Array;
  // An unset field has protobufjs' empty array here, which is not bytes at all.
  if (bytes.length === 0) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

const LONGS = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];
const SCALARS: Readonly<Record<Flavour, Readonly<Record<string, Read>>>> = {
  json: {
    ...Object.fromEntries(LONGS.map((type) => [type, longAsText])),
    double: doubleAsJson,
    float: floatAsJson,
    bytes: bytesAsBase64,
  },
  value: {
    ...Object.fromEntries(LONGS.map((type) => [type, longAsNumber])),
    bytes: (raw) => Uint8Array.from(raw as Uint8Array),
  },
};
