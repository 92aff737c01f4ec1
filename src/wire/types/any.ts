/** `Any` and `FieldMask` in their JSON forms, in both directions. */
import type protobuf from 'protobufjs';
import { type FaultList, isRecord, type Place, show } from './faults.js';
import { fullNameOf } from './reflection.js';

type Read = (raw: unknown) => unknown;
type Write = (value: unknown, at: Place | undefined, faults: FaultList, depth: number) => unknown;
/** A message by its full name. */
export type LookUp = (name: string) => protobuf.Type | undefined;

/** Messages nested by `Any`, whose content a decoder does not see. */
const MAX_WITHIN = 50;
const OWN_FORM =
  /^google\.protobuf\.(Any|Duration|FieldMask|ListValue|Struct|Timestamp|Value|(Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value)$/;

/** `{"@type": …}` with the fields of its message; as the message `Any` itself where the type is not known. */
export function readAny(
  type: protobuf.Type,
  lookUp: LookUp,
  readerOf: (type: protobuf.Type) => Read,
  readPlain: Read,
): Read {
  const [url, content] = [1, 2].map((id) => type.fieldsById[id]!.name) as [string, string];
  let within = 0;
  return (raw) => {
    const message = raw as { readonly [property: string]: string | Uint8Array };
    const typeUrl = message[url] as string;
    const inner = lookUp(nameIn(typeUrl));
    if (!inner) return typeUrl === '' && message[content]!.length === 0 ? {} : readPlain(raw);
    if (within >= MAX_WITHIN)
      throw new RangeError(`messages of type Any are nested more than ${MAX_WITHIN} levels deep`);
    within += 1;
    try {
      const value = readerOf(inner)(inner.decode(message[content] as Uint8Array));
      return OWN_FORM.test(fullNameOf(inner))
        ? { '@type': typeUrl, value }
        : { '@type': typeUrl, ...(value as object) };
    } finally {
      within -= 1;
    }
  };
}

export function writeAny(
  type: protobuf.Type,
  lookUp: LookUp,
  writerOf: (type: protobuf.Type) => Write,
  writePlain: Write,
): Write {
  const [url, content] = [1, 2].map((id) => type.fieldsById[id]!.name) as [string, string];
  return (value, at, faults, depth) => {
    if (!isRecord(value) || !Object.hasOwn(value, '@type')) return writePlain(value, at, faults, depth);
    const { '@type': typeUrl, ...rest } = value;
    const place = { parent: at, key: '@type' };
    if (typeof typeUrl !== 'string' || !typeUrl.includes('/')) {
      return faults.add(
        place,
        'wrong_type',
        `${show(typeUrl)} is not the URL of a type: give one like type.googleapis.com/shop.v1.Price`,
      );
    }
    const inner = lookUp(nameIn(typeUrl));
    if (!inner) return faults.add(place, 'unknown_type', `there is no type ${nameIn(typeUrl)} here`);
    const before = faults.faults.length;
    const written = OWN_FORM.test(fullNameOf(inner))
      ? writeValue(rest, writerOf(inner), at, faults, depth)
      : writerOf(inner)(rest, at, faults, depth + 1);
    if (written === undefined || faults.faults.length > before) return undefined;
    return { [url]: typeUrl, [content]: inner.encode(written as object).finish() };
  };
}

function writeValue(
  rest: Record<string, unknown>,
  write: Write,
  at: Place | undefined,
  faults: FaultList,
  depth: number,
): unknown {
  for (const key of Object.keys(rest)) {
    if (key !== 'value')
      faults.add({ parent: at, key }, 'unknown_field', `beside @type there is only value, not ${show(key)}`);
  }
  return write(rest.value, { parent: at, key: 'value' }, faults, depth + 1);
}

function nameIn(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

/** One text with commas, each path in lowerCamelCase. */
export function readFieldMask(type: protobuf.Type): Read {
  const property = type.fieldsById[1]!.name;
  return (raw) => {
    const paths = (raw as Record<string, readonly string[]>)[property]!;
    for (const path of paths) {
      if (toSnake(toCamel(path)) !== path)
        throw new RangeError(`the path ${show(path)} of a FieldMask has no JSON form`);
    }
    return paths.map(toCamel).join(',');
  };
}

export function writeFieldMask(type: protobuf.Type, writePlain: Write): Write {
  const property = type.fieldsById[1]!.name;
  return (value, at, faults, depth) => {
    if (isRecord(value)) return writePlain(value, at, faults, depth);
    if (typeof value !== 'string' || !/^[A-Za-z0-9.,]*$/.test(value)) {
      return faults.add(
        at,
        'wrong_type',
        `${show(value)} is not a FieldMask: give paths in lowerCamelCase with commas, like "user.displayName,photo"`,
      );
    }
    return { [property]: value === '' ? [] : value.split(',').map(toSnake) };
  };
}

function toCamel(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function toSnake(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
