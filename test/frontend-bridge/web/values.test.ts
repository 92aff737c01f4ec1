import { describe, expect, it } from 'vitest';
import {
  contentInText,
  contentOf,
  elsewhere,
  mediaIn,
} from '../../../frontend-bridge/web/src/values/content.js';
import { readCsv } from '../../../frontend-bridge/web/src/values/csv-table.js';
import { hexLine } from '../../../frontend-bridge/web/src/values/hex.js';
import { matrixIn, numbersIn, recordsIn } from '../../../frontend-bridge/web/src/values/lists.js';
import { readNpy, statisticsOf } from '../../../frontend-bridge/web/src/values/npy.js';
import { lineOf } from '../../../frontend-bridge/web/src/values/sparkline.js';
import { readExactly } from '../../../src/base/json/exact.js';
import { formatNumber, formatSize, shortNumber } from '../../../src/model/shown-numbers.js';

const PNG = btoa(`\x89PNG\r\n\x1a\n${'.'.repeat(100)}`);

/** As `numpy.save` writes it. */
function npy(descr: string, shape: string, data: ArrayBufferView, fortran = false): Uint8Array {
  const order = fortran ? 'True' : 'False';
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const head = Uint8Array.from(`\x93NUMPY\x01\0${String.fromCharCode(header.length, 0)}${header}`, (char) =>
    char.charCodeAt(0),
  );
  return new Uint8Array([...head, ...new Uint8Array(data.buffer)]);
}

describe('a value', () => {
  it('a value of bytes is shown as the kind that its type names, or that its bytes show', () => {
    expect(contentOf(PNG, 'bytes')?.mediaType).toBe('image/png');
    expect(contentOf(btoa('a,b'), 'bytes:text/csv')?.mediaType).toBe('text/csv');
    expect(contentOf(PNG, 'json')).toBeUndefined();
    expect(contentOf({}, 'bytes')).toBeUndefined();
  });

  it('within JSON is content where it says so, or where it is a wall of base64', () => {
    expect(mediaIn({ media_type: 'text/markdown', text: '# ä' })?.bytes.length).toBe(4);
    expect(mediaIn({ media_type: 'image/png', base64: PNG })?.mediaType).toBe('image/png');
    expect(mediaIn({ media_type: 'image/png', base64: 'no base64' })).toBeUndefined();
    expect(mediaIn({ media_type: 'text/plain', text: 'a', more: 1 })).toBeUndefined();
    expect(contentInText(PNG)?.mediaType).toBe('image/png');
    expect(contentInText('word'.repeat(50))).toMatchObject({ mediaType: 'application/octet-stream' });
    expect(contentInText('A sentence is not base64. '.repeat(20))).toBeUndefined();
  });

  it('a reference says how large its value is', () => {
    expect(elsewhere({ blob: { sha256: 'a', size: 7 } })).toEqual({ size: 7 });
    expect(elsewhere({ blob: { sha256: 'a', size: 7 }, more: 1 })).toBeUndefined();
  });
});

describe('a list', () => {
  it('a list of numbers is a line, if it is long enough', () => {
    expect(numbersIn(readExactly('[1.0,2,3,4,5,6,7,{"$number":"NaN"}]'))).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      Number.NaN,
    ]);
    expect(numbersIn([1, 2, 3])).toBeUndefined();
    expect(numbersIn([1, 2, 3, 4, 5, 6, 7, '8'])).toBeUndefined();
    expect(lineOf([0, 1, Number.NaN, 1], 0, 1).match(/M/g)).toHaveLength(2);
    expect(
      lineOf(
        Array.from({ length: 100_000 }, (_, at) => at),
        0,
        99_999,
      ).length,
    ).toBeLessThan(20_000);
  });

  it('a list of rows or of records is a table', () => {
    expect(
      matrixIn([
        [1, 2],
        [3, 4],
      ])?.columns,
    ).toEqual(['0', '1']);
    expect(matrixIn([[1, 2], [3]])).toBeUndefined();
    expect(recordsIn([{ a: 1, b: 2 }, { a: 3 }])).toEqual({
      columns: ['a', 'b'],
      rows: [
        [1, 2],
        [3, undefined],
      ],
    });
    expect(recordsIn([{ a: 1 }])).toBeUndefined();
    expect(recordsIn([{ a: 1 }, { b: 1 }, { c: 1 }])).toBeUndefined();
  });
});

describe('a file', () => {
  it('a numpy file is read in every number format and order', () => {
    const read = (bytes: Uint8Array) => {
      const array = readNpy(bytes);
      return array && [array.dtype, array.shape, Array.from(array.numbers)];
    };
    expect(read(npy('<f4', '(2, 2)', Float32Array.from([1, 2, 3, 4])))).toEqual([
      'float32',
      [2, 2],
      [1, 2, 3, 4],
    ]);
    expect(read(npy('<i8', '(1,)', BigInt64Array.from([-7n])))).toEqual(['int64', [1], [-7]]);
    expect(read(npy('>u2', '(1,)', Uint8Array.from([1, 2])))).toEqual(['uint16', [1], [258]]);
    expect(read(npy('|b1', '(2,)', Uint8Array.from([1, 0])))).toEqual(['bool', [2], [1, 0]]);
    expect(read(npy('<f2', '(3,)', Uint16Array.from([0x3c00, 0xc000, 0x7e00])))).toEqual([
      'float16',
      [3],
      [1, -2, Number.NaN],
    ]);
    expect(read(npy('<f8', '(2, 3)', Float64Array.from([1, 4, 2, 5, 3, 6]), true))).toEqual([
      'float64',
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ]);
    expect(read(npy('<f8', '()', Float64Array.from([7])))).toEqual(['float64', [], [7]]);
    for (const other of [
      npy('<f8', '(9,)', Float64Array.from([1])),
      npy('<U1', '(1,)', Uint8Array.from([0])),
      new Uint8Array(4),
    ])
      expect(readNpy(other)).toBeUndefined();
  });

  it('has statistics of what is finite in it', () => {
    expect(statisticsOf([1, 3, Number.NaN])).toEqual({
      count: 3,
      finite: 2,
      least: 1,
      most: 3,
      mean: 2,
      deviation: 1,
    });
  });

  it('a file of comma-separated values has names, numbers and texts', () => {
    expect(readCsv('a;b\r\n1;x y\r\n"2,5";\r\n')).toEqual({
      columns: ['a', 'b'],
      rows: [
        [1, 'x y'],
        ['2,5', null],
      ],
    });
  });

  it('a file of any other kind is shown as bytes and letters', () => {
    expect(hexLine(Uint8Array.from([0x41, 0, 255]), 16)).toMatch(/^000010 {2}41 00 ff {40} A··$/);
  });
});

describe('a number', () => {
  it.each([
    ['1.0', '1.0'],
    ['3.14159265358979323846264338', '3.14159'],
    ['-0', '-0'],
    ['1e5', '1e5'],
    ['12345678.9', '12345679'],
    ['123456789012345678', '123456789012345678'],
    ['1.23456789e-10', '1.23457e-10'],
    ['{"$number":"NaN"}', 'NaN'],
  ])('%s is shown with six digits at most, unless it is whole: %s', (written, shown) => {
    expect(shortNumber(readExactly(written))).toBe(shown);
  });

  it('a statistic has six digits, and a size has its unit', () => {
    expect([1234567.891, 0.000012345678, 1e-7, 0].map(formatNumber)).toEqual([
      '1\u202f234\u202f568',
      '1.2346e-5',
      '1e-7',
      '0',
    ]);
    expect([7, 23_400, 1_500_000].map(formatSize)).toEqual(['7 B', '23.4 kB', '1.50 MB']);
  });
});
