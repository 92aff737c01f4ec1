import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { JsonText } from '../../src/base/json/json-text.js';
import { typesFromDescriptors } from '../../src/wire/types.js';

const types = typesFromDescriptors(new Uint8Array());

function textOf(value: unknown): string {
  const encoded = types.encode('json', value);
  return encoded.ok ? Buffer.from(encoded.bytes).toString() : JSON.stringify(encoded.faults);
}

function faultsOf(value: unknown): string[] {
  const encoded = types.encode('json', value);
  return encoded.ok ? [] : encoded.faults.map(({ code, path }) => `${code} ${path}`);
}

class Plain {
  readonly x = 1;
}
class Shown extends Plain {
  toJSON(): unknown {
    return { shown: this.x };
  }
}
class Itself {
  readonly a = 1;
  toJSON(): unknown {
    return this;
  }
}
const loop: { a?: unknown; b: number[] } = { b: [1] };
loop.a = [loop];
const thrower = {
  fine: 1,
  get bad(): unknown {
    throw new Error('no connection');
  },
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();
let reads = 0;
const changing = {
  get a(): unknown {
    reads += 1;
    return reads === 1 ? 1 : Number.NaN;
  },
};

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

describe('what a node in TypeScript gives as JSON', () => {
  it.each<readonly [string, unknown, string]>([
    ['plain values', { a: [1, 'b', true, null, { c: 0.5 }] }, '{"a":[1,"b",true,null,{"c":0.5}]}'],
    ['minus zero', [-0, 0], '[-0.0,0]'],
    [
      'whole numbers that are not exact',
      [2 ** 60, 1e22, -(2 ** 53), Number.MAX_SAFE_INTEGER],
      '[1.152921504606847e+18,1e+22,-9.007199254740992e+15,9007199254740991]',
    ],
    ['the least and the largest float', [5e-324, Number.MAX_VALUE], '[5e-324,1.7976931348623157e+308]'],
    ['properties that are undefined', { a: undefined, b: 1 }, '{"b":1}'],
    ['a Date, a URL', [new Date(0), new URL('http://a.b/c')], '["1970-01-01T00:00:00.000Z","http://a.b/c"]'],
    ['an instance with toJSON', { a: new Shown() }, '{"a":{"shown":1}}'],
    ['an instance whose toJSON gives itself', new Itself(), '{"a":1}'],
    ['boxed primitives', [Object(1), Object('a'), Object(false)], '[1,"a",false]'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['an object of another realm', runInNewContext('({ a: [1] })'), '{"a":[1]}'],
    [
      'a name that is a prototype’s',
      JSON.parse('{"__proto__":{"a":1},"constructor":1}'),
      '{"__proto__":{"a":1},"constructor":1}',
    ],
    ['half of a surrogate pair', '\ud800', '"\\ud800"'],
    ['one list at several places', ((list) => [list, list])([1]), '[[1],[1]]'],
    ['a proxy of what is plain', new Proxy({ a: 1 }, {}), '{"a":1}'],
    ['a getter, once', changing, '{"a":1}'],
    ['a text that came in', { a: new JsonText('{"b": 1.0}') }, '{"a":{"b": 1.0}}'],
    [
      'NaN and the infinities',
      { loss: Number.NaN, all: [1, Number.POSITIVE_INFINITY, -1 / 0] },
      '{"loss":{"$number":"NaN"},"all":[1,{"$number":"Infinity"},{"$number":"-Infinity"}]}',
    ],
    ['100 levels', nested(100), '['.repeat(100) + ']'.repeat(100)],
  ])('is said without loss: %s', (_, value, text) => {
    expect(textOf(value)).toBe(text);
  });

  it.each<readonly [string, unknown, readonly string[]]>([
    [
      'Map and Set',
      { seen: new Set([1]), byId: new Map([['a', 1]]), weak: new WeakMap() },
      ['wrong_type /seen', 'wrong_type /byId', 'wrong_type /weak'],
    ],
    [
      'bigint, functions, symbols',
      [1n, () => 1, Symbol('s'), Object(1n)],
      ['wrong_type /0', 'wrong_type /1', 'wrong_type /2', 'wrong_type /3'],
    ],
    ['a symbol as a name', { a: { [Symbol('s')]: 1 } }, ['wrong_type /a/Symbol(s)']],
    [
      'undefined and holes in lists',
      { a: [undefined], 'b/c': Object.assign([], { 1: 5 }) },
      ['wrong_type /a/0', 'wrong_type /b~1c/0'],
    ],
    ['nothing', undefined, ['wrong_type ']],
    [
      'bytes and lists of numbers',
      [Buffer.from('x'), new Float32Array(2), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))],
      ['wrong_type /0', 'wrong_type /1', 'wrong_type /2', 'wrong_type /3'],
    ],
    ['a time that does not exist', { at: new Date(Number.NaN) }, ['wrong_type /at']],
    [
      'promises, patterns, errors',
      [Promise.resolve(1), /a/, new TypeError('x')],
      ['wrong_type /0', 'wrong_type /1', 'wrong_type /2'],
    ],
    ['instances without toJSON', { a: new Plain() }, ['wrong_type /a']],
    ['what contains itself', loop, ['too_deep /a/0']],
    ['101 levels', nested(101), [`too_deep ${'/0'.repeat(100)}`]],
    ['a getter that throws', { a: thrower, b: 1n }, ['unencodable /a/bad', 'wrong_type /b']],
    ['a proxy that is over', { a: [revoked.proxy] }, ['unencodable /a/0']],
    ['a toJSON that throws', { a: { toJSON: () => JSON.parse('{') } }, ['unencodable /a']],
    ['a text that came in, with a fault', { a: [new JsonText('{"b~":1e400}')] }, ['out_of_range /a/0/b~0']],
  ])('is refused at its place: %s', (_, value, faults) => {
    expect(faultsOf(value)).toEqual(faults);
  });

  it('faults of a value without end are collected only up to a limit', () => {
    const wide: unknown[] = [];
    wide.push(wide, wide, wide, 1n);
    expect(faultsOf([wide, wide]).length).toBeLessThanOrEqual(40);
    expect(faultsOf(Array.from({ length: 1000 }, () => 1n))).toHaveLength(20);
  });

  it('says what to give instead', () => {
    expect(textOf({ a: new Map() })).toContain('a Map has no JSON form: give an object (Object.fromEntries)');
    expect(textOf([new Plain()])).toContain('a Plain has no JSON form: give a plain object');
    expect(textOf([1n])).toContain('give it as a string');
  });
});
