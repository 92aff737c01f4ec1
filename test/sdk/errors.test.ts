import { describe, expect, it } from 'vitest';
import { TuttiError } from '../../src/base/errors.js';
import { bounded, NonRetryableError, reportedError } from '../../src/sdk/errors.js';
import { Remembered } from '../../src/sdk/session/remembered.js';

const told = (thrown: unknown) => reportedError(thrown, 'handler_error');
const fail = (): never => {
  throw new Error('a trap');
};

class QuotaError extends Error {}

describe('what was thrown', () => {
  const named: [string, unknown, string][] = [
    ['a plain Error', new Error('it broke'), 'it broke'],
    ['an error of the language', new TypeError('x is not a function'), 'TypeError: x is not a function'],
    ['an error without a message', new RangeError(), 'RangeError'],
    ['a plain Error without a message', new Error(), 'Error'],
    ['a class that sets no name', new QuotaError('too much'), 'QuotaError: too much'],
    ['a name that was set', Object.assign(new Error('late'), { name: 'TimeoutError' }), 'TimeoutError: late'],
    ['an abort', new DOMException('aborted', 'AbortError'), 'AbortError: aborted'],
    ['a text', 'a text', 'a text'],
    ['an empty text', '', "'' was thrown, not an Error"],
    ['undefined', undefined, 'undefined was thrown, not an Error'],
    ['null', null, 'null was thrown, not an Error'],
    ['a number', 42, '42 was thrown, not an Error'],
    ['a bigint', 10n, '10n was thrown, not an Error'],
    ['a symbol', Symbol('x'), 'Symbol(x) was thrown, not an Error'],
    ['an answer', { status: 500, body: 'no' }, "{ status: 500, body: 'no' } was thrown, not an Error"],
    ['an object like an error', { message: 'a look-alike' }, 'a look-alike'],
    ['a promise', new Promise(() => {}), 'Promise { <pending> } was thrown, not an Error'],
    [
      'an object without a prototype',
      Object.create(null),
      '[Object: null prototype] {} was thrown, not an Error',
    ],
    ['half of a surrogate pair', new Error('a\ud83d'), 'a\ufffd'],
  ];
  for (const [what, thrown, message] of named) {
    it(`is said by class and text: ${what}`, () => {
      expect(told(thrown)).toMatchObject({ code: 'handler_error', message, retryable: true });
    });
  }

  const hostile: [string, () => unknown][] = [
    ['a code that throws', () => Object.defineProperty(new Error('x'), 'code', { get: fail })],
    ['a message that throws', () => Object.defineProperty(new Error('x'), 'message', { get: fail })],
    ['a stack that throws', () => Object.defineProperty(new Error('x'), 'stack', { get: fail })],
    ['a cause that throws', () => Object.defineProperty(new Error('x'), 'cause', { get: fail })],
    ['a name that throws', () => Object.defineProperty(new Error('x'), 'name', { get: fail })],
    ['errors that throw', () => Object.defineProperty(new AggregateError([], 'x'), 'errors', { get: fail })],
    ['a toString that throws', () => ({ toString: fail, [Symbol.toPrimitive]: fail })],
    [
      'a tag that throws',
      () => ({
        get [Symbol.toStringTag]() {
          return fail();
        },
      }),
    ],
    ['an inspection that throws', () => ({ [Symbol.for('nodejs.util.inspect.custom')]: fail })],
    ['a proxy whose every trap throws', () => new Proxy(new Error('x'), new Proxy({}, { get: () => fail }))],
    [
      'a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
    ['a function', () => fail],
    ['a frozen error', () => Object.freeze(new Error('x'))],
    ['a message that is not text', () => Object.assign(new Error('x'), { message: { not: 'text' } })],
    ['a stack that is not text', () => Object.assign(new Error('x'), { stack: [1, 2] })],
    ['a code that is a function', () => Object.assign(new Error('x'), { code: () => 'UNAVAILABLE' })],
    ['a code that is not snake_case', () => Object.assign(new Error('x'), { code: 'ENOENT' })],
    [
      'an error that causes itself',
      () => {
        const e = new Error('x');
        e.cause = e;
        return e;
      },
    ],
    [
      'an aggregate of itself',
      () => {
        const e = new AggregateError([], 'x');
        e.errors.push(e);
        return e;
      },
    ],
  ];
  for (const [what, make] of hostile) {
    it(`is reported without a fault of our own: ${what}`, () => {
      const error = told(make());
      expect(error).toMatchObject({ code: 'handler_error', retryable: true });
      expect(error.message.length).toBeGreaterThan(0);
      expect(Buffer.byteLength(error.stack ?? '')).toBeLessThanOrEqual(16_384);
    });
  }

  it('keeps the code and the message that its author chose', () => {
    const chosen = Object.assign(new QuotaError('12 of 10'), { code: 'over_quota' });
    expect(told(chosen)).toMatchObject({ code: 'over_quota', message: '12 of 10', retryable: true });
    expect(told(new TuttiError('grid_unknown', 'no grid'))).toMatchObject({ message: 'no grid' });
    expect(told(new NonRetryableError('no_region', 'Atlantis'))).toMatchObject({
      code: 'no_region',
      message: 'Atlantis',
      retryable: false,
    });
  });

  it('says where: the frames of the author, not those of this package or of Node.js', () => {
    function readEpochs(): never {
      throw new TypeError('no epochs');
    }
    let thrown: unknown;
    try {
      [1].map(readEpochs);
    } catch (error) {
      thrown = error;
    }
    const lines = told(thrown).stack?.split('\n') ?? [];
    expect(lines[0]).toBe('TypeError: no epochs');
    expect(lines[1]).toContain('readEpochs');
    expect(lines.join('\n')).not.toContain('node:');
  });

  it('shows the message as it is now, also where it was changed after the stack was made', () => {
    const error = new Error('first');
    expect(error.stack).toContain('first');
    error.message = 'while reading: second';
    expect(told(error).stack).toMatch(/^while reading: second\n\s+at /);
  });

  it('says why: the chain of its causes, whatever they are', () => {
    const cause = new TypeError('no figure', { cause: 'a text as the cause' });
    const { message, stack } = told(new Error('no footprint', { cause }));
    expect(message).toBe('no footprint');
    const heads = stack?.split('\n').filter((line) => !/^\s+at /.test(line));
    expect(heads).toEqual([
      'Error: no footprint',
      'Caused by: TypeError: no figure',
      'Caused by: a text as the cause',
    ]);
  });

  it('shows the members of an aggregate, and counts those that it leaves out', async () => {
    const thrown = await Promise.any(Array.from({ length: 20 }, (_, at) => Promise.reject(at))).catch(
      (e) => e,
    );
    const { message, stack } = told(thrown);
    expect(message).toBe('AggregateError: All promises were rejected');
    expect(stack).toContain('1 of 20:\n    0 was thrown, not an Error');
    expect(stack).toContain('(12 more are left out)');
  });

  it('ends a chain that comes back to itself, and one that does not end', () => {
    const [a, b] = [new Error('a'), new Error('b')];
    a.cause = b;
    b.cause = a;
    expect(told(a).stack).toMatch(/Caused by: Error: b[\s\S]*Caused by: one of the above$/);
    let chain = new Error('0');
    for (let at = 1; at < 10_000; at += 1) chain = new Error(String(at), { cause: chain });
    expect(told(chain).stack).toMatch(/It has more causes, which are left out$/);
  });

  it('is cut where it is longer than a report may be', () => {
    const { message, stack } = told(new Error('x'.repeat(10_000_000)));
    expect(message).toHaveLength(4_096);
    expect(Buffer.byteLength(stack ?? '')).toBeLessThanOrEqual(16_384);
    expect(bounded('short')).toBe('short');
  });
});

describe('what is remembered', () => {
  it('is the newest, up to the limit', () => {
    const remembered = new Remembered<number>(2);
    for (const each of [1, 2, 3]) remembered.set(String(each), each);
    expect([remembered.has('1'), remembered.get('2'), remembered.get('3')]).toEqual([false, 2, 3]);
  });
});
