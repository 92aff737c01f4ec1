/** Scalars from either flavour to what protobufjs encodes; a value that does not fit is a fault that says what would. */
import protobuf from 'protobufjs';
import { plainOf } from '../../base/json/json-text.js';
import { type FaultList, type Place, show } from './faults.js';

/** Gives nothing where there was a fault. */
export type WriteScalar = (value: unknown, at: Place | undefined, faults: FaultList) => unknown;

const INTEGER = /^-?\d{1,20}$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const LARGEST_FLOAT = 3.4028234663852886e38;

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Missing from protobufjs' typings. */
const LONG = protobuf.util.Long as unknown as { fromString(text: string, unsigned: boolean): unknown };

function integer(type: string, range: string): WriteScalar {
  const [least, most] = RANGES[range]!;
  const is64 = range.endsWith('64');
  const unsigned = range.startsWith('u');
  const lowest = Number(least);
  const highest = is64 ? Number.MAX_SAFE_INTEGER : Number(most);
  return (value, at, faults) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= lowest && value <= highest) {
      return value;
    }
    if (typeof value === 'number' && is64 && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      const why = 'as a number it has lost digits: give it as a string';
      return faults.add(at, 'out_of_range', `${value} is too large for a JSON number; ${why}`);
    }
    const whole =
      typeof value === 'bigint' ||
      (typeof value === 'number' && Number.isInteger(value)) ||
      (typeof value === 'string' && INTEGER.test(value));
    if (!whole) {
      return faults.add(
        at,
        'wrong_type',
        `${show(value)} is not a ${type}: give a whole number from ${least} to ${most}`,
      );
    }
    const exact = BigInt(value as string | number | bigint);
    if (exact < least || exact > most) {
      return faults.add(at, 'out_of_range', `${exact} does not fit a ${type}: give ${least} to ${most}`);
    }
    return is64 ? LONG.fromString(String(exact), unsigned) : Number(exact);
  };
}

/** `round`: to what the wire carries, so that a float that is too small for 32 bits is left out like any other zero. */
function real(type: string, largest: number, round: (number: number) => number): WriteScalar {
  return (given, at, faults) => {
    const value = plainOf(given);
    let number: number | undefined;
    if (typeof value === 'number') number = value;
    else if (value === 'NaN') return Number.NaN;
    else if (value === 'Infinity' || value === '-Infinity') return Number(value);
    else if (typeof value === 'string' && DECIMAL.test(value)) number = Number(value);
    if (number === undefined) {
      return faults.add(at, 'wrong_type', `${show(value)} is not a ${type}: give a number`);
    }
    const isGiven = typeof value === 'number' && !Number.isFinite(value);
    if (Math.abs(number) > largest && !isGiven) {
      return faults.add(at, 'out_of_range', `${show(value)} does not fit a ${type}: at most ${largest}`);
    }
    return round(number);
  };
}

const bool: WriteScalar = (value, at, faults) =>
  typeof value === 'boolean'
    ? value
    : faults.add(at, 'wrong_type', `${show(value)} is not a bool: give true or false`);

const text: WriteScalar = (value, at, faults) => {
  if (typeof value !== 'string') {
    return faults.add(at, 'wrong_type', `${show(value)} is not a string: give text`);
  }
  if (LONE_SURROGATE.test(value)) {
    return faults.add(at, 'bad_text', `${show(value)} is not valid Unicode: it has half of a surrogate pair`);
  }
  return value;
};

/** `Uint8Array`, or base64 of either alphabet, with or without padding. */
export const bytes: WriteScalar = (value, at, faults) => {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') {
    return faults.add(at, 'wrong_type', `${show(value)} is not bytes: give a Uint8Array, or base64`);
  }
  const padded = value.endsWith('=');
  if (!BASE64.test(value) || (padded ? value.length % 4 !== 0 : value.length % 4 === 1)) {
    return faults.add(at, 'bad_base64', `${show(value)} is not base64: give the bytes encoded as base64`);
  }
  return Buffer.from(value, 'base64');
};

export const SCALAR_WRITERS: Readonly<Record<string, WriteScalar>> = {
  int32: integer('int32', 'int32'),
  sint32: integer('sint32', 'int32'),
  sfixed32: integer('sfixed32', 'int32'),
  uint32: integer('uint32', 'uint32'),
  fixed32: integer('fixed32', 'uint32'),
  int64: integer('int64', 'int64'),
  sint64: integer('sint64', 'int64'),
  sfixed64: integer('sfixed64', 'int64'),
  uint64: integer('uint64', 'uint64'),
  fixed64: integer('fixed64', 'uint64'),
  double: real('double', Number.MAX_VALUE, (number) => number),
  float: real('float', LARGEST_FLOAT, Math.fround),
  bool,
  string: text,
  bytes,
};
