import { describe, expect, it } from 'vitest';
import { TaskHistory } from '../../../frontend-bridge/web/src/task/history.js';
import { inOrder, layOut, layOutWithin, relatives } from '../../../frontend-bridge/web/src/task/layout.js';
import { briefOf } from '../../../frontend-bridge/web/src/task/results.js';
import { Curves } from '../../../frontend-bridge/web/src/values/curves.js';
import { embeddedJson } from '../../../src/base/json/embedded.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { GraphJson } from '../../../src/contract/graph.js';

const spec = (...inputs: string[]) => ({ inputs, output: 'json' });
const graph: GraphJson = {
  name: 'g',
  version: 1,
  source: { name: 'in', type: 'json' },
  modules: { last: spec('in', 'middle'), middle: spec('first'), first: spec('in') },
};

describe('the layout of a graph', () => {
  it('puts every module after all its inputs', () => {
    expect(inOrder(graph)).toEqual(['first', 'middle', 'last']);
    const places = new Map(layOut(graph).places.map((place) => [place.name, place]));
    for (const { from, to } of layOut(graph).edges) {
      const [source, target] = [places.get(from)!, places.get(to)!];
      expect(source.x + source.width).toBeLessThan(target.x);
    }
  });

  it('lets no two modules overlap', () => {
    const wide = {
      ...graph,
      modules: { a: spec('in'), b: spec('in'), c: spec('in'), d: spec('a', 'b', 'c', 'in') },
    };
    const { places } = layOut(wide);
    for (const [index, one] of places.entries()) {
      for (const other of places.slice(index + 1)) {
        const apart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        expect(apart, `${one.name} and ${other.name}`).toBe(true);
      }
    }
  });

  it('draws a line for every input, of finite numbers', () => {
    const { edges } = layOut(graph);
    expect(edges.map(({ from, to }) => `${from} ${to}`).sort()).toEqual([
      'first middle',
      'in first',
      'in last',
      'middle last',
    ]);
    for (const { path } of edges) expect(path).toMatch(/^M[-\d.,]+(C[-\d., ]+)+$/);
  });

  it('goes down where more of it can be read so, and draws every line within its frame', () => {
    const names = Array.from({ length: 9 }, (_, index) => `m${index}`);
    const chain = Object.fromEntries(
      names.map((name, index) => [name, { ...spec(names[index - 1] ?? 'in'), previous: ['m0', name] }]),
    );
    const long = { ...graph, modules: chain };
    expect(layOutWithin(long, 1200, 400).direction).toBe('across');
    const { direction, places, edges, frame } = layOutWithin(long, 400, 1200);
    expect(direction).toBe('down');
    for (const [index, place] of places.slice(1).entries())
      expect(place.y).toBeGreaterThan(places[index]!.y + places[index]!.height);
    // The first one names itself twice, which is one line.
    expect(edges.filter(({ isPrevious }) => isPrevious)).toHaveLength(17);
    // The first of the numbers of a path is where it begins.
    for (const { path } of edges) {
      const [x, y] = path.slice(1).split(/[,C]/).map(Number) as [number, number];
      expect(x).toBeGreaterThanOrEqual(frame.x);
      expect(x).toBeLessThanOrEqual(frame.x + frame.width);
      expect(y).toBeLessThanOrEqual(frame.y + frame.height);
    }
  });

  it('knows all that a module goes on from, and all that goes on from it', () => {
    expect([...relatives(graph, 'middle')].sort()).toEqual(['first', 'in', 'last', 'middle']);
    const apart = { ...graph, modules: { ...graph.modules, other: spec('in') } };
    expect(relatives(apart, 'first').has('other')).toBe(false);
    expect([...relatives(apart, 'in')].sort()).toEqual(['first', 'in', 'last', 'middle', 'other']);
  });

  it('shows a graph whole even where its order is broken', () => {
    const cyclic = { ...graph, modules: { a: spec('b'), b: spec('a') } };
    expect(inOrder(cyclic)).toEqual(['a', 'b']);
    expect(layOut(cyclic).places).toHaveLength(3);
  });
});

describe("a module's history", () => {
  const at = '2026-03-01T10:00:00.000Z';
  const event = (seq: number, type: EventJson['type'], fields: Partial<EventJson>): EventJson => ({
    seq,
    at,
    type,
    module: 'a',
    ...fields,
  });
  const events = [
    event(1, 'execution.assigned', { execution_id: 'e1', attempt: 1, node_id: 'n1' }),
    event(2, 'execution.log', { execution_id: 'e1', level: 'warn', message: 'slow', fields: { rows: '52' } }),
    event(3, 'execution.failed', { execution_id: 'e1', error: { code: 'timeout', message: 'too long' } }),
    event(4, 'execution.assigned', { execution_id: 'e2', attempt: 2, node_id: 'n2' }),
    event(5, 'output.recorded', { execution_id: 'e2', output_seq: 1, last: false, output: { x: 0 } }),
    event(6, 'output.recorded', { execution_id: 'e2', output_seq: 2, last: true }),
    event(7, 'execution.succeeded', { execution_id: 'e2' }),
    event(8, 'execution.assigned', { module: 'b', execution_id: 'e3' }),
  ];

  const history = new TaskHistory().read(events);

  it('tells its attempts with where they ran and how they ended', () => {
    const attempts = (seq?: number) =>
      history
        .ofModule('a', seq)
        .attempts.map((one) => [one.attempt, one.node_id, one.state, one.error?.code]);
    expect(attempts()).toEqual([
      [1, 'n1', 'failed', 'timeout'],
      [2, 'n2', 'succeeded', undefined],
    ]);
    expect(attempts(2)).toEqual([[1, 'n1', 'assigned', undefined]]);
  });

  it('tells its outputs and its log lines in order', () => {
    const { finals, partials, log } = history.ofModule('a');
    expect(partials).toMatchObject({ count: 1, items: [{ output_seq: 1, last: false, output: { x: 0 } }] });
    expect(finals).toMatchObject([{ output_seq: 2, last: true, output: undefined }]);
    const line = { seq: 2, module: 'a', at, level: 'warn', message: 'slow', fields: { rows: '52' } };
    expect(log).toEqual({ count: 1, items: [line] });
    expect(history.lines).toEqual([line]);
    expect(history.ofModule('none').attempts).toEqual([]);
  });

  it('is at any moment what its events until then make of it, however it was read', () => {
    const told: EventJson[] = [];
    for (let seq = 1; seq <= 60; seq += 1) {
      const of = { execution_id: `e${Math.ceil(seq / 20)}`, module: seq % 7 === 0 ? 'b' : 'a' };
      // Each attempt begins again with the first step.
      const fields = { stream: 'metrics', step: String(seq % 20), loss: String(1 / seq) };
      const kinds: readonly (readonly [EventJson['type'], Partial<EventJson>])[] = [
        ['execution.log', { message: `line ${seq}` }],
        ['execution.log', { fields }],
        ['output.recorded', { output_seq: seq, last: seq % 20 === 0, output: { done: seq } }],
        [seq % 20 < 10 ? 'execution.assigned' : 'execution.succeeded', {}],
      ];
      const [type, more] = kinds[seq % 4]!;
      told.push(event(seq, type, { ...of, ...more }));
    }
    const whole = new TaskHistory().read(told.slice(0, 25)).read(told);
    for (const seq of [60, 1, 33, 34, 34, 12, 59]) {
      const fresh = new TaskHistory().read(told.slice(0, seq));
      for (const module of ['a', 'b']) {
        const { log, partials, ...then } = whole.ofModule(module, seq);
        const { log: _, partials: __, ...others } = fresh.ofModule(module);
        const expected = fresh.ofModule(module);
        expect(then).toEqual(others);
        expect(log.items.slice(0, log.count)).toEqual(expected.log.items);
        expect(partials.items.slice(0, partials.count)).toEqual(expected.partials.items);
      }
    }
  });
});

describe('the curves of a module', () => {
  const curves = new Curves();
  const line = (seq: number, step: number, loss: number) =>
    curves.takeLine({ seq, fields: { stream: 'metrics', step: String(step), loss: String(loss) } });
  line(1, 1, 0.5);
  line(2, 2, 0.25);
  line(3, 1, 0.125);
  curves.takeOutput({ seq: 4, output_seq: 1, output: { done: 0.5, word: 'half' }, last: false });
  curves.takeOutput({ seq: 5, output_seq: 2, output: { done: 1 }, last: true });

  it('are drawn from its metrics and the numbers of its partial outputs, and grow with the moment', () => {
    expect(curves.at(0)).toEqual([]);
    expect(curves.at(2)).toEqual([{ name: 'loss', x: [1, 2], y: [0.5, 0.25] }]);
    expect(curves.at(9).at(-1)).toEqual({ name: 'done', x: [1], y: [0.5] });
  });

  it('have the later of two numbers for one step, and are the very same where nothing came', () => {
    expect(curves.at(3)).toEqual([{ name: 'loss', x: [1, 2], y: [0.125, 0.25] }]);
    expect(curves.at(5)[0]).toBe(curves.at(9)[0]);
  });
});

describe('JSON inside a field', () => {
  it('is found as text and as base64 of UTF-8', () => {
    const value = { wert: 'größer', list: [1, 2] };
    const base64 = Buffer.from(JSON.stringify(value)).toString('base64');
    expect(embeddedJson(base64)).toEqual({ value, from: 'base64' });
    expect(embeddedJson('{"a":1}')).toEqual({ value: { a: 1 }, from: 'json' });
  });

  it('is not seen in words, numbers or broken text', () => {
    for (const text of ['', 'classification', '12345678', '{"a":', 'abcd'])
      expect(embeddedJson(text)).toBeUndefined();
  });
});

it('a result is told in a line by its kind and size, its first fields, or how much there is', () => {
  const png = btoa('x'.repeat(2048));
  expect([
    briefOf(png, 'bytes:image/png'),
    briefOf({ blob: { sha256: 'a', size: 5 } }, 'bytes'),
    briefOf({ loss: 0.123456789, curve: [1, 2], name: 'adam', note: '' }, 'json'),
    briefOf({ a: {}, b: [] }, 'json'),
    briefOf([1], 'json'),
    briefOf('all went well', 'json'),
  ]).toEqual([
    ...['image/png, 2.0 KiB', 'bytes, 5 B', 'loss 0.123457 · name adam'],
    ...['2 fields', '1 item', 'all went well'],
  ]);
});
