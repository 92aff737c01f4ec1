/** From values of either flavour to protobufjs' messages. Compiled once for each type; collects every fault and never stops at one. */
import protobuf from 'protobufjs';
import { didYouMean } from '../../base/nearest.js';
import { type LookUp, writeAny, writeFieldMask } from './any.js';
import { type FaultList, isRecord, type Place, show } from './faults.js';
import { fullNameOf, isClosed, isMap, type MapField, originalName, writtenOneof } from './reflection.js';
import { SCALAR_WRITERS } from './scalar-writers.js';
import { wellKnownWriter } from './well-known-writers.js';

/** Gives nothing where there was a fault. `depth`: messages around this value. */
export type Write = (value: unknown, at: Place | undefined, faults: FaultList, depth: number) => unknown;

/** As many messages within each other as decoders take (protobuf's own default). */
const MAX_DEPTH = 100;

interface FieldWriter {
  /** The property of the protobufjs message. */
  readonly property: string;
  readonly name: string;
  readonly required: boolean;
  readonly oneof: protobuf.OneOf | undefined;
  /** `null` is a value of this field, and not its absence. */
  readonly takesNull: boolean;
  readonly write: Write;
}

/** The writer of each message type. */
export function createWriters(lookUp: LookUp): (type: protobuf.Type) => Write {
  const writers = new Writers(lookUp);
  return (type) => writers.of(type);
}

class Writers {
  readonly #lookUp: LookUp;
  readonly #made = new Map<protobuf.Type, Write>();

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp;
  }

  of(type: protobuf.Type): Write {
    const known = this.#made.get(type);
    if (known) return known;
    const inner = this.#wellKnown(type) ?? this.#messageWriter(type);
    const writer: Write = (value, at, faults, depth) =>
      depth > MAX_DEPTH
        ? faults.add(at, 'too_deep', `more than ${MAX_DEPTH} levels of messages`)
        : inner(value, at, faults, depth);
    this.#made.set(type, writer);
    return writer;
  }

  #wellKnown(type: protobuf.Type): Write | undefined {
    const name = fullNameOf(type);
    const writerOf = (inner: protobuf.Type): Write => this.of(inner);
    if (name === 'google.protobuf.Any')
      return writeAny(type, this.#lookUp, writerOf, this.#messageWriter(type));
    if (name === 'google.protobuf.FieldMask') return writeFieldMask(type, this.#messageWriter(type));
    const writeOnly = (): Write => this.#writeField(type.fieldsById[1]!);
    return wellKnownWriter(name, type, writeOnly, writerOf);
  }

  #messageWriter(type: protobuf.Type): Write {
    const name = fullNameOf(type);
    const fields = type.fieldsArray.map((field) => this.#fieldWriter(field));
    const byName = new Map<string, FieldWriter>();
    type.fieldsArray.forEach((field, index) => {
      byName.set(field.jsonName ?? field.name, fields[index]!);
    });
    for (const field of fields) byName.set(field.name, field);
    const required = fields.filter((field) => field.required);

    return (value, at, faults, depth) => {
      if (!isRecord(value)) {
        const expected = `give an object with the fields of ${name}`;
        return faults.add(at, 'wrong_type', `${show(value)} is not a ${name}: ${expected}`);
      }
      const message: Record<string, unknown> = {};
      const chosen = new Map<protobuf.OneOf, string>();
      const seen = new Set<FieldWriter>();
      for (const [key, raw] of Object.entries(value)) {
        const field = byName.get(key);
        const place = { parent: at, key };
        if (!field) {
          const near = didYouMean(key, byName.keys());
          faults.add(place, 'unknown_field', `${name} has no field ${show(key)}${near}`);
          continue;
        }
        if (raw === undefined || (raw === null && !field.takesNull)) continue;
        if (seen.has(field)) {
          faults.add(place, 'duplicate_field', `${field.name} is given twice, under both its names`);
          continue;
        }
        seen.add(field);
        if (field.oneof) chooseOne(field.oneof, field, chosen, place, faults);
        const written = field.write(raw, place, faults, depth + 1);
        if (written !== undefined) message[field.property] = written;
      }
      for (const field of required) {
        if (!seen.has(field)) {
          faults.add({ parent: at, key: field.name }, 'missing_field', `${name} requires ${field.name}`);
        }
      }
      return message;
    };
  }

  #fieldWriter(field: protobuf.Field): FieldWriter {
    const { resolvedType } = field.resolve();
    const typeName = resolvedType ? fullNameOf(resolvedType) : field.type;
    const single = !field.repeated && !field.map;
    return {
      property: field.name,
      name: originalName(field),
      required: field.required,
      oneof: writtenOneof(field),
      takesNull: single && /^google\.protobuf\.(Null)?Value$/.test(typeName),
      write: this.#writeField(field),
    };
  }

  #writeField(field: protobuf.Field): Write {
    const write = this.#writeSingle(field);
    if (isMap(field)) return writeMap(field, write);
    return field.repeated ? writeList(write) : write;
  }

  #writeSingle(field: protobuf.Field): Write {
    const { resolvedType } = field.resolve();
    if (resolvedType instanceof protobuf.Enum) return enumWriter(resolvedType);
    if (resolvedType) return (value, at, faults, depth) => this.of(resolvedType)(value, at, faults, depth);
    return SCALAR_WRITERS[field.type]!;
  }
}

/** Of a oneof, the first field that is given is the one that counts; a second one is a fault. */
function chooseOne(
  oneof: protobuf.OneOf,
  field: FieldWriter,
  chosen: Map<protobuf.OneOf, string>,
  place: Place,
  faults: FaultList,
): void {
  const other = chosen.get(oneof);
  if (other !== undefined) {
    const rule = `of ${oneof.name} only one may be set`;
    faults.add(place, 'oneof_conflict', `${field.name} and ${other} are both given: ${rule}`);
  }
  chosen.set(oneof, field.name);
}

function writeList(write: Write): Write {
  return (value, at, faults, depth) => {
    if (!Array.isArray(value)) {
      return faults.add(at, 'wrong_type', `${show(value)} is not a list: give a list of values`);
    }
    // `map` would leave out the holes of a sparse list.
    return Array.from(value, (item, key) => write(item, { parent: at, key }, faults, depth));
  };
}

function writeMap(field: MapField, write: Write): Write {
  const writeKey = SCALAR_WRITERS[field.keyType]!;
  const asWritten = field.keyType === 'string';
  return (value, at, faults, depth) => {
    if (!isRecord(value)) {
      return faults.add(at, 'wrong_type', `${show(value)} is not a map: give an object`);
    }
    const map: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      const place = { parent: at, key };
      const isBool = field.keyType === 'bool' && (key === 'true' || key === 'false');
      const written = writeKey(isBool ? key === 'true' : key, place, faults);
      // As it is in canonical form: protobufjs takes eight characters that are not a canonical number for a hash of a 64-bit key.
      // An entry is a message, too, on the wire.
      if (written !== undefined)
        map[asWritten ? key : String(written)] = write(item, place, faults, depth + 1);
    }
    return map;
  };
}

function enumWriter(type: protobuf.Enum): Write {
  const name = fullNameOf(type);
  const writeNumber = SCALAR_WRITERS.int32!;
  return (value, at, faults) => {
    if (typeof value === 'string' && Object.hasOwn(type.values, value)) return type.values[value];
    if (value === null && name === 'google.protobuf.NullValue') return 0;
    const isKnown = typeof value === 'number' && type.valuesById[value] !== undefined;
    if (typeof value === 'number' && (isKnown || !isClosed(type))) return writeNumber(value, at, faults);
    const names = Object.keys(type.values);
    if (typeof value !== 'string' && typeof value !== 'number') {
      const expected = `give one of ${names.join(', ')}`;
      return faults.add(at, 'wrong_type', `${show(value)} is not a ${name}: ${expected}`);
    }
    const near = typeof value === 'string' ? didYouMean(value, names) : '';
    const expected = `give one of ${names.join(', ')}`;
    return faults.add(at, 'unknown_enum_value', `${show(value)} is not a ${name}${near}: ${expected}`);
  };
}
