import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cheapestFirst, conditionsOf, holds } from '../../../src/base/expression/expression.js';
import { createExpressionParser } from '../../../src/base/expression/grammar.js';
import { exactValue, indexElement } from '../../../src/orchestrator/tables/index-key.js';

const parse = createExpressionParser();

function expression(text: string) {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(`${parsed.position}: ${parsed.message}`);
  return parsed.expression;
}

async function fits(text: string, record: Readonly<Record<string, unknown>>): Promise<boolean> {
  return holds(expression(text), (field) => record[field]);
}

const STEEL = {
  state: 'succeeded',
  title: 'Steel plates',
  'carbon_footprint.carbon_footprint': 0.15,
  tags: ['metal', 'Vision'],
  flag: false,
  nothing: null,
};

describe('a filter', () => {
  it.each([
    ['carbon_footprint.carbon_footprint < 0.2 and state = "succeeded" or title ~ "wood"', true],
    ['carbon_footprint.carbon_footprint < 0.1 and state = "succeeded" or title ~ "STEEL"', true],
    ['carbon_footprint.carbon_footprint < 0.1 and (state = "succeeded" or title ~ "steel")', false],
    ['not state = "failed" and not (title ~ "wood" or flag = true)', true],
    ["title = 'Steel plates'", true],
    ['title = "steel plates"', false],
    ['carbon_footprint.carbon_footprint >= 1.5e-1', true],
    ['carbon_footprint.carbon_footprint != 0.15', false],
    ['tags ~ "vision"', true],
    ['tags = "metal"', false],
    ['title > "Steel"', true],
    ['title < 3', false],
    ['flag = false AND NOT flag = true', true],
    ['absent = 1 or absent != 1 or absent ~ "x"', false],
    ['absent = null and nothing = null and title != null', true],
    ['  state="succeeded"  ', true],
  ])('%s is %s of a solved steel problem', async (text, expected) => {
    expect(await fits(text, STEEL)).toBe(expected);
  });

  it('reads a name that only begins like a word of the language as a field', async () => {
    expect(
      await fits('android = 1 and notable = 2 and orders.3 = 3', { android: 1, notable: 2, 'orders.3': 3 }),
    ).toBe(true);
  });

  it('takes quotes and backslashes in texts', async () => {
    expect(await fits(String.raw`t = "a \"b\" \\"`, { t: String.raw`a "b" \ `.trim() })).toBe(true);
  });

  it.each([
    ['', 1, 'a field'],
    ['state', 6, 'a comparison'],
    ['state <', 8, 'a number, a quoted text'],
    ['state = succeeded', 9, 'a number, a quoted text'],
    ['state = "succeeded" and', 24, 'a field'],
    ['state = "a" state = "b"', 13, '"and"'],
    ['(state = "a"', 13, '")"'],
    ['state = "a', 9, 'a quoted text'],
    ['and = 3', 1, 'a field'],
    ['a = 1.2.3', 8, 'end of input'],
    ['a == 1', 4, 'a number'],
    ['a = 1; b = 2', 6, ''],
  ])('%j is refused at position %i', (text, position, expected) => {
    expect(parse(text)).toEqual({ ok: false, position, message: expect.stringContaining(expected) });
  });

  it('may be nested as deeply as its length allows, and no longer', async () => {
    const deep = `${'('.repeat(490)}a = 1${')'.repeat(490)}`;
    expect(await fits(deep, { a: 1 })).toBe(true);
    expect(parse('('.repeat(1000))).toMatchObject({ ok: false });
    expect(await fits(`${'not '.repeat(248)}a = 1`, { a: 1 })).toBe(true);
    expect(parse('x'.repeat(1001))).toMatchObject({ ok: false, position: 1001 });
  });

  it('looks at cheap fields before dear ones', async () => {
    const looked: string[] = [];
    const ordered = cheapestFirst(
      expression('dear = 1 and (dear = 2 or cheap = 2)  and cheap = 1'),
      (field) => (field === 'dear' ? 1 : 0),
    );
    await holds(ordered, (field) => {
      looked.push(field);
      return 0;
    });
    expect(looked).toEqual(['cheap']);
  });

  it('names as conditions only what has to hold in any case', () => {
    const fields = (text: string) => conditionsOf(expression(text)).map(({ field }) => field);
    expect(fields('a = 1 and (b = 2 and c = 3) and not d = 4')).toEqual(['a', 'b', 'c']);
    expect(fields('a = 1 or b = 2')).toEqual([]);
  });
});

describe('the elements of an index', () => {
  it('stand for the very value, unless a text may have been another', () => {
    const short = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\ufffd'));
    const numbers = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(Infinity, -Infinity));
    fc.assert(
      fc.property(fc.oneof(numbers, fc.boolean(), short), (value) => {
        expect(exactValue(indexElement(value)!)).toBe(Object.is(value, -0) ? 0 : value);
      }),
    );
    for (const text of ['x'.repeat(100), 'x'.repeat(1000), 'half a \ud800', '\ufffd'])
      expect(exactValue(indexElement(text)!)).toBeUndefined();
  });

  it('order as their values do', () => {
    const values = [
      ...[false, true],
      ...[-Infinity, -1e300, -2.5, -1, -1e-300, 0, 1e-300, 0.1, 0.2, 1, 2, 10, 1e21, Infinity],
      ...['', 'A', 'a', 'aa', 'b', 'é', '\uffee', '😀'],
    ];
    const elements = values.map((value) => indexElement(value)!);
    expect([...elements].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(elements);
  });

  it('are the same for zero and minus zero, and whole for broken texts', () => {
    expect(indexElement(-0)).toBe(indexElement(0));
    expect(indexElement('\ud800')).toBe('s\ufffd');
    expect(Buffer.byteLength(indexElement('😀'.repeat(500))!)).toBeLessThan(500);
  });

  it('are nothing for what has no order', () => {
    expect([null, undefined, {}, [1]].map((value) => indexElement(value))).toEqual(Array(4).fill(undefined));
  });

  it('put NaN after all other numbers', () => {
    const [largest, nan] = [indexElement(Number.POSITIVE_INFINITY)!, indexElement(Number.NaN)!];
    expect(nan > largest).toBe(true);
    expect(nan < indexElement('')!).toBe(true);
  });
});
