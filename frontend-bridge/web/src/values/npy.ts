/** Arrays as numpy writes them (`.npy`): the header, and the numbers as far as people look at them. */

export interface NpyArray {
  readonly shape: readonly number[];
  /** As numpy names it: `float32`. */
  readonly dtype: string;
  /** In the order of the indices, the last one first. */
  readonly numbers: ArrayLike<number>;
}

interface Kind {
  readonly name: string;
  readonly bytes: number;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

const KINDS: Readonly<Record<string, Kind>> = {
  b1: { name: 'bool', bytes: 1, read: (view, at) => view.getUint8(at) },
  i1: { name: 'int8', bytes: 1, read: (view, at) => view.getInt8(at) },
  u1: { name: 'uint8', bytes: 1, read: (view, at) => view.getUint8(at) },
  i2: { name: 'int16', bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  u2: { name: 'uint16', bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i4: { name: 'int32', bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  u4: { name: 'uint32', bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i8: { name: 'int64', bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u8: { name: 'uint64', bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  f2: { name: 'float16', bytes: 2, read: (view, at, little) => half(view.getUint16(at, little)) },
  f4: { name: 'float32', bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { name: 'float64', bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
};

/** Undefined for bytes of another kind, and for arrays whose elements are not numbers. */
export function readNpy(bytes: Uint8Array): NpyArray | undefined {
  if (bytes.length < 10) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6]! >= 2;
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end));
  const [, order = '', code = ''] = /'descr':\s*'([<>|=])(\w\d+)'/.exec(header) ?? [];
  const [, sizes] = /'shape':\s*\(([^)]*)\)/.exec(header) ?? [];
  const kind = KINDS[code];
  if (kind === undefined || sizes === undefined) return undefined;
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  if (end + count * kind.bytes > bytes.length) return undefined;
  const numbers = new Float64Array(count);
  for (let index = 0; index < count; index += 1)
    numbers[index] = kind.read(view, end + index * kind.bytes, order !== '>');
  const isTurned = /'fortran_order':\s*True/.test(header) && shape.length > 1;
  return { shape, dtype: kind.name, numbers: isTurned ? turned(numbers, shape) : numbers };
}

/** From the order in which the first index changes fastest. */
function turned(numbers: Float64Array, shape: readonly number[]): Float64Array {
  const result = new Float64Array(numbers.length);
  for (let index = 0; index < numbers.length; index += 1) {
    let rest = index;
    let from = 0;
    let stride = numbers.length;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const size = shape[axis]!;
      stride /= size;
      from += (rest % size) * stride;
      rest = Math.floor(rest / size);
    }
    result[index] = numbers[from]!;
  }
  return result;
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

export interface Statistics {
  readonly count: number;
  /** Of the finite ones, as all that follow. */
  readonly finite: number;
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  readonly deviation: number;
}

export function statisticsOf(numbers: ArrayLike<number>): Statistics {
  let [finite, least, most, mean, squares] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let index = 0; index < numbers.length; index += 1) {
    const number = numbers[index]!;
    if (!Number.isFinite(number)) continue;
    finite += 1;
    least = Math.min(least, number);
    most = Math.max(most, number);
    const before = number - mean;
    mean += before / finite;
    squares += before * (number - mean);
  }
  return {
    count: numbers.length,
    finite,
    least,
    most,
    mean,
    deviation: Math.sqrt(squares / Math.max(1, finite)),
  };
}
