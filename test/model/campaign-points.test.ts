import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CAMPAIGN_PHASES,
  campaignMayBecome,
  improvementOf,
  isBetter,
  type Propose,
} from '../../src/model/campaign.js';
import { BadPointer, pointAt, pointsIn, withPoint } from '../../src/model/campaign-points.js';

const texts = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value));

describe('the points of a grid', () => {
  it('are all combinations, each once, the last pointer first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), (sizes) => {
        const axes = sizes.map((size, index) => ({
          at: `/${index}`,
          values: texts(Array.from({ length: size }, (_, value) => value)),
        }));
        const propose: Propose = { kind: 'grid', axes };
        const count = pointsIn(propose);
        const points = Array.from({ length: count }, (_, index) => [
          ...pointAt(propose, index + 1)!.values(),
        ]);
        const plain = sizes.reduce<unknown[][]>(
          (before, size) =>
            before.flatMap((one) => Array.from({ length: size }, (_, value) => [...one, value])),
          [[]],
        );
        expect(points).toEqual(plain);
        expect(pointAt(propose, count + 1)).toBeUndefined();
      }),
    );
  });
});

describe('random points', () => {
  type Drawn = Extract<Propose, { kind: 'random' }>;
  const axes = (min: number, max: number, more: object = {}) =>
    [{ at: '/x', min, max, log: false, integer: false, ...more }] as const;

  it('follow from the seed and the number, and lie in their range', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1e6 }), fc.boolean(), (seed, number, integer) => {
        const propose: Propose = { kind: 'random', seed, axes: axes(1, 7, { integer, log: seed % 2 === 0 }) };
        const x = pointAt(propose, number)!.get('/x') as number;
        expect(pointAt(propose, number)!.get('/x')).toBe(x);
        expect(x).toBeGreaterThanOrEqual(1);
        expect(x).toBeLessThanOrEqual(7);
        if (integer) expect(Number.isInteger(x)).toBe(true);
      }),
    );
  });

  it('are spread evenly: by their logarithm where they are to be', () => {
    const propose = (more: object): Drawn => ({ kind: 'random', seed: 5, axes: axes(1e-4, 1, more) });
    const below = (more: object, limit: number) =>
      Array.from({ length: 2000 }, (_, n) => Number(pointAt(propose(more), n + 1)!.get('/x'))).filter(
        (x) => x < limit,
      ).length / 2000;
    expect(below({ log: true }, 1e-2)).toBeCloseTo(0.5, 1);
    expect(below({}, 0.5)).toBeCloseTo(0.5, 1);
  });

  it('are what they were: another version proposes the same', () => {
    const propose: Propose = { kind: 'random', seed: 7, axes: axes(0, 1) };
    const drawn = [1, 2].map((number) => pointAt(propose, number)!.get('/x'));
    expect(drawn).toMatchInlineSnapshot(`
      [
        0.8167836141783116,
        0.0790253401659693,
      ]
    `);
  });
});

describe('a point in an input', () => {
  it('stands where its pointers lead, and leaves everything else', () => {
    const input = { a: { b: 1, 'c/d': 2 }, list: [{ n: 1 }, { n: 2 }] };
    const point = new Map<string, unknown>([
      ['/a/c~1d', 9],
      ['/list/1/n', 8],
      ['/new/deep', true],
    ]);
    expect(withPoint(input, point)).toEqual({
      ...{ a: { b: 1, 'c/d': 9 }, list: [{ n: 1 }, { n: 8 }], new: { deep: true } },
    });
    expect(withPoint(input, new Map([['', 5]]))).toBe(5);
    expect(input.list[1]).toEqual({ n: 2 });
  });

  it.each(['/a/b/c', '/list/2/n', '/list/x'])('cannot be put at %s', (at) => {
    const input = { a: { b: 1 }, list: [1, 2] };
    expect(() => withPoint(input, new Map([[at, 1]]))).toThrow(BadPointer);
  });
});

it('may go from each phase to these', () => {
  const table = Object.fromEntries(
    CAMPAIGN_PHASES.map((from) => [
      from,
      CAMPAIGN_PHASES.filter((to) => campaignMayBecome(from, to)).join(' '),
    ]),
  );
  expect(table).toEqual({
    initializing: 'running finalizing',
    running: 'finalizing',
    finalizing: 'finalizing completed aborted errored',
    ...{ completed: '', aborted: '', errored: '' },
  });
});

it('compares values by their goal', () => {
  expect([isBetter('min', 1, undefined), isBetter('min', 1, 1), isBetter('max', 2, 1)]).toEqual([
    true,
    false,
    true,
  ]);
  expect([
    improvementOf('min', 95, 100),
    improvementOf('max', 95, 100),
    improvementOf('min', -2, -1),
  ]).toEqual([0.05, -0.05, 1]);
});
