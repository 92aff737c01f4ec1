import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/base/deadlines.js';

const valuesOf = <T>(due: readonly { readonly value: T }[]): T[] => due.map(({ value }) => value);

describe('deadlines', () => {
  it('are reported once each, not before they are due and at most 20 ms after', () => {
    const deadlines = new Deadlines<string>();
    deadlines.set('a', 101, 'a');
    expect(valuesOf(deadlines.due(100))).toEqual([]);
    expect(valuesOf(deadlines.due(101))).toEqual([]);
    expect(deadlines.nextMs()).toBe(120);
    expect(valuesOf(deadlines.due(120))).toEqual(['a']);
    expect(valuesOf(deadlines.due(1000))).toEqual([]);
    expect(deadlines.nextMs()).toBeUndefined();
  });

  it('move when they are set again, and are forgotten when they are cleared', () => {
    const deadlines = new Deadlines<string>();
    deadlines.set('a', 100, 'early');
    deadlines.set('a', 500, 'late');
    deadlines.set('b', 300, 'b');
    deadlines.clear('b');
    deadlines.clear('unknown');
    expect([deadlines.has('a'), deadlines.has('b'), deadlines.size]).toEqual([true, false, 1]);
    expect(valuesOf(deadlines.due(499))).toEqual([]);
    expect(valuesOf(deadlines.due(500))).toEqual(['late']);
  });

  it('behave as a plain list of moments does, whatever is done with them', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, inMs: fc.integer({ min: -50, max: 400 }) }),
      fc.record({ kind: fc.constant('clear' as const), key }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 300 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const deadlines = new Deadlines<string>();
        const model = new Map<string, number>();
        let now = 1000; // A clock's moments are positive: around 0, one would be rounded up to -0.
        for (const one of steps) {
          if (one.kind === 'set') {
            deadlines.set(one.key, now + one.inMs, one.key);
            model.set(one.key, Math.ceil((now + one.inMs) / 20) * 20);
          } else if (one.kind === 'clear') {
            deadlines.clear(one.key);
            model.delete(one.key);
          } else {
            now += one.ms;
            const due = [...model].filter(([, at]) => at <= now);
            for (const [name] of due) model.delete(name);
            const reported = valuesOf(deadlines.due(now));
            expect([...reported].sort()).toEqual(due.map(([name]) => name).sort());
            expect(reported.map((name) => due.find(([other]) => other === name)![1])).toEqual(
              due.map(([, at]) => at).sort((a, b) => a - b),
            );
          }
          expect(deadlines.size).toBe(model.size);
          expect(deadlines.nextMs()).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
      }),
    );
  });
});
