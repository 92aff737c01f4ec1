/** The well-known types from their JSON forms; the counterpart of the readers, fault for fault. */
import type protobuf from 'protobufjs';
import { plainOf } from '../../base/json/json-text.js';
import { type FaultList, isRecord, type Place, show } from './faults.js';
import { SCALAR_WRITERS } from './scalar-writers.js';
import { isWrapper } from './well-known-readers.js';

type Write = (value: unknown, at: Place | undefined, faults: FaultList, depth: number) => unknown;

/** The writer of a well-known type; nothing for any other. `writeOnly`: the writer of the message's only field. */
export function wellKnownWriter(
  name: string,
  type: protobuf.Type,
  writeOnly: () => Write,
  writerOf: (type: protobuf.Type) => Write,
): Write | undefined {
  if (isWrapper(name) || name === 'google.protobuf.Struct' || name === 'google.protobuf.ListValue') {
    const property = type.fieldsById[1]!.name;
    let write: Write | undefined;
    return (value, at, faults, depth) => {
      write ??= writeOnly();
      const written = write(value, at, faults, depth + 1);
      return written === undefined ? undefined : { [property]: written };
    };
  }
  switch (name) {
    case 'google.protobuf.Timestamp':
      return writeTimestamp;
    case 'google.protobuf.Duration':
      return writeDuration;
    case 'google.protobuf.Value':
      return writeAnyValue(type, writerOf);
    default:
      return undefined;
  }
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i;

/** RFC 3339, or a `Date`. */
const writeTimestamp: Write = (value, at, faults) => {
  const text = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value;
  const match = typeof text === 'string' ? TIMESTAMP.exec(text) : null;
  const [, date = '', time = '', decimals = '', zone = ''] = match ?? [];
  const utc = Date.parse(`${date}T${time}Z`);
  // A day or an hour that does not exist comes back as another one, or not at all.
  const exists = !Number.isNaN(utc) && new Date(utc).toISOString().startsWith(`${date}T${time}`);
  const seconds = utc / 1000 - offsetSeconds(zone);
  if (!match || !exists || seconds < -62_135_596_800 || seconds > 253_402_300_799) {
    const expected = 'give RFC 3339 in the years 1 to 9999, like 2025-01-31T12:00:00Z';
    return faults.add(at, 'bad_timestamp', `${show(value)} is not a Timestamp: ${expected}`);
  }
  return { seconds, nanos: Number(decimals.padEnd(9, '0')) };
};

function offsetSeconds(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (!sign) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Seconds with up to nine decimals, as in `1.5s`. */
const writeDuration: Write = (value, at, faults) => {
  const match = typeof value === 'string' ? DURATION.exec(value) : null;
  const [, sign, seconds, decimals = ''] = match ?? [];
  if (!match || Number(seconds) > 315_576_000_000) {
    return faults.add(
      at,
      'bad_duration',
      `${show(value)} is not a Duration: give seconds with an s, like 1.5s`,
    );
  }
  const factor = sign === '-' ? -1 : 1;
  return { seconds: factor * Number(seconds), nanos: factor * Number(decimals.padEnd(9, '0')) };
};

/** `google.protobuf.Value`: any JSON value. */
function writeAnyValue(type: protobuf.Type, writerOf: (type: protobuf.Type) => Write): Write {
  const property = (id: number) => type.fieldsById[id]!.name;
  const inner = (id: number) => writerOf(type.fieldsById[id]!.resolve().resolvedType as protobuf.Type);
  const choose = (id: number, written: unknown) =>
    written === undefined ? undefined : { [property(id)]: written };

  return (given, at, faults, depth) => {
    const value = plainOf(given);
    if (value === null) return choose(1, 0);
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return choose(2, value);
      return faults.add(at, 'out_of_range', `${value} is not JSON: give null, or the text "${value}"`);
    }
    if (typeof value === 'string') return choose(3, SCALAR_WRITERS.string!(value, at, faults));
    if (typeof value === 'boolean') return choose(4, value);
    if (isRecord(value)) return choose(5, inner(5)(value, at, faults, depth + 1));
    if (Array.isArray(value)) return choose(6, inner(6)(value, at, faults, depth + 1));
    const expected = 'give null, true, false, a number, text, a list or an object';
    return faults.add(at, 'wrong_type', `${show(value)} is not JSON: ${expected}`);
  };
}
