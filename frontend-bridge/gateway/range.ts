export interface ByteRange {
  /** Both inclusive. */
  readonly start: number;
  readonly end: number;
}

/**
 * The one range that a `Range` header asks for in `size` bytes. Nothing: all of it is meant (no header, another unit, several ranges, or a
 * syntax that RFC 9110 has ignored); `unsatisfiable`: no byte of it exists.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return undefined;
    const length = Math.min(Number(last), size);
    return length > 0 ? { start: size - length, end: size - 1 } : 'unsatisfiable';
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start < size ? { start, end } : 'unsatisfiable';
}
