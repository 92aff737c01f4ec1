import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../src/base/decode-text.js';
import { checkJsonText, isShallow, MAX_DEPTH } from '../../src/base/json/check-text.js';
import { jsonDifferences } from '../../src/base/json/differences.js';
import { entriesOf, partAt, printIndented, readExactly } from '../../src/base/json/exact.js';
import { itemsOf, JsonText, membersOf, printJson } from '../../src/base/json/json-text.js';
import { numberIn, withNumbers } from '../../src/base/json/number-form.js';
import { isPlainlySound } from '../../src/base/json/quick-check.js';

interface Case {
  readonly name: string;
  readonly text: string;
  readonly faults?: readonly string[];
}
const { texts } = JSON.parse(
  readFileSync(new URL('../wire/cases/json-texts.json', import.meta.url), 'utf8'),
) as {
  texts: readonly Case[];
};

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('a JSON text', () => {
  it.each(texts)('is refused only where a reader would change it: $name', ({ text, faults = [] }) => {
    expect(checkJsonText(text).map(({ code, path }) => `${code} ${path}`)).toEqual(faults);
  });

  it('every JSON text that JavaScript writes is accepted', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => checkJsonText(text).length === 0),
      {
        numRuns: 1000,
      },
    );
  });

  it('may be nested as deep as every reader takes', () => {
    expect(checkJsonText(nested(MAX_DEPTH))).toEqual([]);
    expect(checkJsonText(nested(MAX_DEPTH + 1))).toMatchObject([
      { code: 'too_deep', path: '/0'.repeat(100) },
    ]);
    expect([isShallow(nested(7), 7), isShallow(nested(8), 7), isShallow('["[[[[{{"]', 1)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('is looked at to its end whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'[]{}",:\\19.-eE a') }), (text) => {
        expect(checkJsonText(text).length).toBeLessThanOrEqual(20);
        isShallow(text, 3);
      }),
      { numRuns: 2000 },
    );
  });

  it('names twenty faults at most', () => {
    expect(checkJsonText(`[${'1e400,'.repeat(1000)}0]`)).toHaveLength(20);
  });
});

describe('a text within a document', () => {
  it.each(texts.filter(({ faults }) => !faults))('is printed as it came: $name', ({ text }) => {
    const document = printJson({ a: [new JsonText(text)], b: 'c' });
    expect(JSON.parse(document)).toEqual({ a: [JSON.parse(text)], b: 'c' });
    expect(document).not.toMatch(/[\n\r\t]/);
    if (!/[\n\t]/.test(text)) expect(document).toBe(`{"a":[${text}],"b":"c"}`);
  });

  it('is taken apart and put together without a change', () => {
    const text = '{"b": [1.0, {"x":"]}"}, -0 ] , "10":1.50,"9":null,"a":{}}';
    const members = membersOf(new JsonText(text));
    expect(Array.from(members ?? [], ([name, { text }]) => [name, text])).toEqual([
      ['b', '[1.0, {"x":"]}"}, -0 ]'],
      ['10', '1.50'],
      ['9', 'null'],
      ['a', '{}'],
    ]);
    expect(itemsOf(members!.get('b')!)?.map(String)).toEqual(['1.0', '{"x":"]}"}', '-0']);
    expect([
      membersOf(new JsonText('[]')),
      itemsOf(new JsonText('{}')),
      itemsOf(new JsonText(' [ ] ')),
    ]).toEqual([undefined, undefined, []]);
  });

  it('cannot be faked by what looks like its mark', () => {
    let seen = '';
    const spy = { toJSON: () => seen };
    const text = new JsonText('1.0');
    printJson([{ toJSON: () => (seen = String(text.toJSON()).replace(/\d+$/, '')) }, text]);
    expect(printJson([spy, text])).toBe(JSON.stringify([seen, 0]).replace('0]', '1.0]'));
  });

  it('means its value to everybody else', () => {
    expect(JSON.stringify({ a: new JsonText('[1.0]') })).toBe('{"a":[1]}');
    expect(new JsonText('{"a":1}').value).toEqual({ a: 1 });
  });

  it('is read exactly: a number that would be written otherwise stays text', () => {
    for (const { text, faults } of texts) {
      if (faults) continue;
      const written = printJson(readExactly(text));
      expect(JSON.parse(written)).toEqual(JSON.parse(text));
      const numbers = (json: string) =>
        json
          .replace(/"(\\.|[^"\\])*"/g, '')
          .match(/-?\d[\d.eE+-]*/g)
          ?.sort();
      expect(numbers(written)).toEqual(numbers(text));
    }
  });
});

describe('the text of a file', () => {
  it.each([
    ['UTF-8', Buffer.from('{"a":"é"}')],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff{"a":"é"}')],
    ['UTF-16, as PowerShell writes it', Buffer.from('\ufeff{"a":"é"}', 'utf16le')],
    ['UTF-16 with the high byte first', Buffer.from('\ufeff{"a":"é"}', 'utf16le').swap16()],
  ])('may be %s', (_, bytes) => {
    expect(decodeText(bytes)).toBe('{"a":"é"}');
  });

  it('is refused where it is none of them', () => {
    expect(() => decodeText(Buffer.from('{"a":"é"}', 'latin1'))).toThrow(
      'it is not UTF-8 text: save it as UTF-8',
    );
    expect(() => decodeText(Buffer.of(0xff, 0xfe, 0x00))).toThrow('UTF-16LE');
  });
});

describe('a text that is read to be written again', () => {
  const EXACT = [
    ...[
      '1.0',
      '-0',
      '-0.0',
      '1e5',
      '1E2',
      '1e+2',
      '0.0000001',
      '3.14159265358979323846264338',
      '120000000000000000000',
    ],
    ...[
      '{"b":1,"10":2,"9":3}',
      '{"__proto__":{"a":1.0},"constructor":-0}',
      '[[1.0,{"x":[-0,"1.0"]}],{"2":{"1":1.50}}]',
    ],
    ...[
      '{"text":"\\"1.0\\": 2","\\u0031":1,"a":1}',
      '{"":{"":0.10}}',
      '{"toJSON":1.0,"length":-0}',
      '"\\ud800"',
    ],
  ];

  it.each(EXACT)('is the same when it is written: %s', (text) => {
    expect(printJson(readExactly(text))).toBe(text.includes('\\u') ? printJson(JSON.parse(text)) : text);
    expect(printIndented(readExactly(text)).replace(/\n */g, '').replaceAll(': ', ':')).toHaveLength(
      printIndented(new JsonText(text)).replace(/\n */g, '').replaceAll(': ', ':').length,
    );
  });

  it('is indented as JSON.stringify would', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        expect(printJson(readExactly(text))).toBe(text);
        const plain: unknown = JSON.parse(text);
        expect(printIndented(plain)).toBe(JSON.stringify(plain, null, 2));
        expect(printIndented(readExactly(text))).toBe(JSON.stringify(plain, null, 2));
      }),
    );
    expect(printIndented(readExactly('{"b":[1.0,{}],"2":[],"1":-0}'))).toBe(
      '{\n  "b": [\n    1.0,\n    {}\n  ],\n  "2": [],\n  "1": -0\n}',
    );
  });

  it('has its parts by their path and in their order', () => {
    const tree = readExactly('{"a":{"b":[1.0]},"7":{"c":-0},"6":2}') as object;
    expect(entriesOf(tree).map(([name]) => name)).toEqual(['a', '7', '6']);
    expect(String(partAt(tree, ['a', 'b', 0]))).toBe('1.0');
    expect(String(partAt(tree, ['7', 'c']))).toBe('-0');
    for (const path of [
      ['x'],
      ['a', 'b', '1'],
      ['6', 'y'],
      ['7', 'c', 'text'],
      ['__proto__'],
      ['a', 'b', 'length', '0'],
    ])
      expect(partAt(tree, path)).toBeUndefined();
  });

  it('a plain number is read as a number, any other number as its text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/), (text) => {
        const read = readExactly(`[${text}]`) as unknown[];
        const isPlain = JSON.stringify(JSON.parse(text)) === text;
        expect(typeof read[0]).toBe(isPlain ? 'number' : 'object');
        expect(printJson(read)).toBe(`[${text}]`);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the differences of two texts', () => {
  it.each([
    ['{"a":1.0,"b":[1,2]}', '{"b":[1e0,2.0],"a":1}', []],
    ['{"a":1.0}', '{"a":1.50}', ['/a 1.0 1.50']],
    [
      '{}',
      '{"__proto__":1,"toString":-0,"constructor":{"2":1,"1":2}}',
      ['/__proto__ - 1', '/toString - -0', '/constructor - {"2":1,"1":2}'],
    ],
    ['{"x":{"b":1,"7":{"y":1}}}', '{"x":{"7":{"y":2.50}}}', ['/x/7/y 1 2.50', '/x/b 1 -']],
    ['[1,[2],{}]', '[1,{"0":2},null,4]', ['/1 [2] {"0":2}', '/2 {} null', '/3 - 4']],
    ['null', '0', [' null 0']],
    ['"1"', '1', [' "1" 1']],
  ])('the differences of two texts are found: %s and %s', (a, b, expected) => {
    const show = (value: unknown) => (value === undefined ? '-' : printJson(value));
    const found = jsonDifferences(new JsonText(a), readExactly(b));
    expect(
      found.map(
        ({ path, ...one }) => `${path.map((step) => `/${step}`).join('')} ${show(one.a)} ${show(one.b)}`,
      ),
    ).toEqual(expected);
    expect(jsonDifferences(readExactly(a), new JsonText(a))).toEqual([]);
  });
});

describe('the proof that a text has no fault', () => {
  const piece = fc.constantFrom(
    ...'[]{},:',
    '"a"',
    '"b":',
    '"a" :',
    '"\\":"',
    '1',
    '1e400',
    '9007199254740993',
    '-0.5',
    ' ',
  );

  it('is never given to a text that has one', () => {
    for (const { text } of texts) {
      const value = meaningOf(text);
      if (value !== undefined && isPlainlySound(text, value)) expect(checkJsonText(text)).toEqual([]);
    }
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const value = meaningOf(text);
        if (value !== undefined && isPlainlySound(text, value)) expect(checkJsonText(text)).toEqual([]);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['{"a":1.0,"b":[{"a":-0},"x"],"text":"2026-01-01T00:00:00Z"}', true],
    ['{"a" : 0.1234567890123456789}', true],
    [nested(100), true],
    [nested(101), false],
    ['{"a":1,"a":1}', false],
    ['{"a":1,"\\u0061":1}', false],
    ['[9007199254740993]', false],
    ['-1e400', false],
  ])('%s: %s', (text, expected) => {
    expect(isPlainlySound(text, JSON.parse(text))).toBe(expected);
  });

  function meaningOf(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }
});

describe('a number that JSON has no form for', () => {
  const text = '{"loss":{"$number":"NaN"},"all":[1,{"$number":"-Infinity"}],"name":"NaN"}';

  it('is a number wherever it is read, and is written as it came', () => {
    const read = readExactly(text) as { loss: JsonText; all: unknown[]; name: unknown };
    expect(read.loss.value).toBeNaN();
    expect(read.loss.isStructure).toBe(false);
    expect(String(read.loss)).toBe('NaN');
    expect((read.all[1] as JsonText).value).toBe(Number.NEGATIVE_INFINITY);
    expect(read.name).toBe('NaN');
    expect(printJson(read)).toBe(text);
    expect(printIndented(read.loss)).toBe('{"$number":"NaN"}');
    expect(withNumbers(text, JSON.parse(text))).toEqual({
      loss: Number.NaN,
      all: [1, Number.NEGATIVE_INFINITY],
      name: 'NaN',
    });
  });

  it('is not a difference to itself', () => {
    const changed = text.replace('-Infinity', 'Infinity');
    expect(jsonDifferences(new JsonText(text), new JsonText(text))).toEqual([]);
    expect(jsonDifferences(new JsonText(text), new JsonText(changed)).map(({ path }) => path)).toEqual([
      ['all', 1],
    ]);
  });

  it.each([{ $number: '7' }, { $number: 'NaN', unit: 's' }, { $number: null }, 'NaN', [], {}])(
    'is not seen in %j',
    (value) => {
      expect(numberIn(value)).toBe(value);
      expect(readExactly(JSON.stringify(value))).toEqual(value);
    },
  );
});
