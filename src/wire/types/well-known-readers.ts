/** The messages of `google/protobuf/*` that have a JSON form of their own. `Any` and `FieldMask` are in `any.ts`. */
import type protobuf from 'protobufjs';

export type Read = (raw: unknown) => unknown;

const WRAPPERS = /^google\.protobuf\.(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/;

/** Whether messages of this type are written as one plain scalar. */
export function isWrapper(name: string): boolean {
  return WRAPPERS.test(name);
}

/** The reader of a well-known type; nothing for any other. */
export function wellKnownReader(
  name: string,
  type: protobuf.Type,
  readField: (field: protobuf.Field) => Read,
  readerOf: (type: protobuf.Type) => Read,
  readDouble: Read,
): Read | undefined {
  if (isWrapper(name) || name === 'google.protobuf.Struct' || name === 'google.protobuf.ListValue') {
    return readOnly(type, readField);
  }
  switch (name) {
    case 'google.protobuf.Timestamp':
      return readTimestamp;
    case 'google.protobuf.Duration':
      return readDuration;
    case 'google.protobuf.Value':
      return readAnyValue(type, readerOf, readDouble);
    default:
      return undefined;
  }
}

/** The message's only field stands for it. */
function readOnly(type: protobuf.Type, readField: (field: protobuf.Field) => Read): Read {
  const field = type.fieldsById[1]!;
  let read: Read | undefined;
  return (raw) => {
    read ??= readField(field);
    return read((raw as Record<string, unknown>)[field.name]);
  };
}

interface SecondsAndNanos {
  readonly seconds: { toNumber(): number };
  readonly nanos: number;
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const EARLIEST_S = -62_135_596_800;
const LATEST_S = 253_402_300_799;

function readTimestamp(raw: unknown): string {
  const { seconds: long, nanos } = raw as SecondsAndNanos;
  const seconds = long.toNumber();
  if (!(seconds >= EARLIEST_S && seconds <= LATEST_S && nanos >= 0 && nanos < 1e9)) {
    throw new RangeError(`${seconds} s ${nanos} ns is not a Timestamp: it must be in the years 1 to 9999`);
  }
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction(nanos)}Z`;
}

/** About 10,000 years. */
const LONGEST_S = 315_576_000_000;

function readDuration(raw: unknown): string {
  const { seconds: long, nanos } = raw as SecondsAndNanos;
  const seconds = long.toNumber();
  if (Math.abs(seconds) > LONGEST_S || Math.abs(nanos) >= 1e9 || seconds * nanos < 0) {
    throw new RangeError(
      `${seconds} s ${nanos} ns is not a Duration: at most ${LONGEST_S} s, both of one sign`,
    );
  }
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${fraction(Math.abs(nanos))}s`;
}

/** Nanoseconds as the decimals of a second: none, three, six or nine. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  return `.${String(nanos)
    .padStart(9, '0')
    .replace(/(000){1,2}$/, '')}`;
}

/** The JSON mapping has no form for the others here: a text would become a text for the next reader. */
function finite(number: unknown): unknown {
  if (Number.isFinite(number)) return number;
  throw new RangeError(`${number} does not fit a google.protobuf.Value: it must be finite`);
}

/** `google.protobuf.Value`: any JSON value. */
function readAnyValue(type: protobuf.Type, readerOf: (type: protobuf.Type) => Read, readDouble: Read): Read {
  const property = (id: number) => type.fieldsById[id]!.name;
  const message = (id: number) => type.fieldsById[id]!.resolve().resolvedType as protobuf.Type;
  const [number, text, bool, struct, list] = [2, 3, 4, 5, 6].map(property) as [
    string,
    string,
    string,
    string,
    string,
  ];
  return (raw) => {
    const value = raw as Record<string, unknown>;
    if (Object.hasOwn(value, number)) return readDouble(finite(value[number]));
    if (Object.hasOwn(value, text)) return value[text];
    if (Object.hasOwn(value, bool)) return value[bool];
    if (Object.hasOwn(value, struct)) return readerOf(message(5))(value[struct]);
    if (Object.hasOwn(value, list)) return readerOf(message(6))(value[list]);
    return null;
  };
}
