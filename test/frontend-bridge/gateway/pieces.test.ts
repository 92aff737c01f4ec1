import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantsBytes } from '../../../frontend-bridge/gateway/accept.js';
import { createMethods } from '../../../frontend-bridge/gateway/methods.js';
import { parseRange } from '../../../frontend-bridge/gateway/range.js';
import { createAllowance } from '../../../frontend-bridge/gateway/stream/allowance.js';
import { nextPageSize } from '../../../frontend-bridge/gateway/stream/page-size.js';
import { csvLine, flatten, inertCell } from '../../../src/base/csv.js';

describe('a cell for a spreadsheet', () => {
  it.each([
    '=HYPERLINK("http://x","y")',
    '@SUM(1)',
    '+cmd|calc',
    '-2+3+cmd',
    '\t=1',
    '\r=1',
    '\n=1',
    '=1',
    '＝1+1',
    '＠x',
    '-',
    '+1 555 0100',
    '-1e5x',
  ])('is shown as the text that it is: %j', (text) => {
    expect(inertCell(text)).toBe(`'${text}`);
  });

  it.each(['-1', '+2.5', '-1e-9', '1E5', '', 'a=b', ' =1', "'=1", 'é', '0'])('stays as it is: %j', (text) => {
    expect(inertCell(text)).toBe(text);
  });
});

describe('the Accept header', () => {
  it.each([
    [undefined, undefined],
    ['*/*', undefined],
    ['text/html,application/xhtml+xml,*/*;q=0.8', undefined],
    ['application/x-protobuf', 'application/x-protobuf'],
    ['application/json;q=0.5, application/octet-stream', 'application/octet-stream'],
    ['application/octet-stream;q=0.5, application/json', undefined],
    ['application/octet-stream;q=0', undefined],
  ])('%s wants %s', (accept, type) => {
    expect(wantsBytes(accept)).toBe(type);
  });
});

describe('the Range header', () => {
  it('never leaves the content, whatever it says', () => {
    const number = fc.oneof(fc.constant(''), fc.nat(30).map(String), fc.bigInt({ min: 0n }).map(String));
    fc.assert(
      fc.property(number, number, fc.nat(20), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(size);
      }),
    );
  });

  it('is ignored where RFC 9110 has it ignored', () => {
    for (const header of ['lines=1-2', 'bytes=-', 'bytes=5-2', 'bytes=a-b', undefined]) {
      expect(parseRange(header, 10)).toBeUndefined();
    }
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  });
});

describe('a table', () => {
  it('has a column a leaf, and quotes what would break it', () => {
    const cells = flatten({ a: { b: 1, c: [1, 2] }, d: null, e: 'x\ny' });
    expect([...cells]).toEqual([
      ['a.b', '1'],
      ['a.c', '[1,2]'],
      ['d', ''],
      ['e', 'x\ny'],
    ]);
    expect(csvLine(['a,b', '"', 'c'])).toBe('"a,b","""",c\r\n');
  });
});

describe('the methods of an address', () => {
  it('are those of every route that matches it, and of no other', () => {
    const methods = createMethods();
    methods.add('GET', '/v1/a/:b');
    methods.add(['PUT', 'HEAD'], '/v1/a/:b');
    methods.add('POST', '/v1/a.b');
    expect(methods.of('/v1/a/x')).toEqual(['GET', 'HEAD', 'PUT']);
    expect(methods.of('/v1/a/x/y')).toEqual([]);
    expect(methods.of('/v1/aXb')).toEqual([]);
  });
});

describe('an allowance', () => {
  it('is used up by a burst and comes back with time', () => {
    const allowance = createAllowance(2, 3);
    expect([0, 0, 0, 0].map((at) => allowance.take(at))).toEqual([true, true, true, false]);
    expect([400, 500, 500].map((at) => allowance.take(at))).toEqual([false, true, false]);
  });
});

describe('the size of a page', () => {
  it('grows with light events and shrinks with heavy ones, within its bounds', () => {
    expect(nextPageSize(64, 1_000)).toBe(128);
    expect(nextPageSize(512, 1_000)).toBe(512);
    expect(nextPageSize(64, 1_000_000)).toBe(32);
    expect(nextPageSize(8, 1_000_000)).toBe(8);
  });
});
