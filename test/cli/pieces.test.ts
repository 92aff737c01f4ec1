import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { change, describeDiff } from '../../src/cli/diff.js';
import { eventLine } from '../../src/cli/event-line.js';
import { jsonArray } from '../../src/cli/json-lines.js';
import { stackBelow } from '../../src/cli/stack.js';
import { table } from '../../src/cli/table.js';
import { describeTask } from '../../src/cli/task.js';

describe('a change', () => {
  it.each([
    [8, 6, '-25.0 %'],
    [100, 101, '+1.00 %'],
    [-2, -1, '+50.0 %'],
    [0, 5, ''],
    ['a', 'b', ''],
    [1, undefined, ''],
  ])('from %j to %j is %j', (a, b, expected) => {
    expect(change(a, b)).toBe(expected);
  });

  it('shows a side that is not there, and says when nothing differs', () => {
    expect(describeDiff({ a: 1, b: 2, modules: { m: [{ path: '/x', a: null, b: 'new' }] } })).toMatch(
      /m +x +\(none\) +new/,
    );
    expect(describeDiff({ a: 1, b: 2, modules: {} })).toBe('Iterations 1 and 2 do not differ.');
  });
});

describe('a table', () => {
  it('is as wide as it needs to be, with numbers to the right and every row on one line', () => {
    expect(
      table(
        ['NAME', 'N'],
        [
          ['a\nb', 7],
          [null, 10],
        ],
      ),
    ).toBe('NAME   N\na b    7\n      10');
  });

  it('has its headings even without rows', () => {
    expect(table(['A', 'B'], [])).toBe('A  B');
  });
});

describe('the line of an event', () => {
  it('names task, module, kind, detail and node', () => {
    const line = eventLine({
      seq: 1,
      at: '2026-01-01T12:03:04.000Z',
      type: 'execution.failed',
      problem_id: '01890000-0000-7000-8000-0000deadbeef',
      iteration_id: 2,
      module: 'ml_model',
      node_id: '01890000-0000-7000-8000-0000cafecafe',
      error: { code: 'no_model_fits', message: 'too\nlarge' },
    });
    expect(line).toBe('12:03:04 deadbeef/2 ml_model execution.failed no_model_fits: too large node cafecafe');
  });
});

describe('JSON lines as a list', () => {
  it.each([
    ['', []],
    ['{"a":1}\n', [{ a: 1 }]],
    ['1\n2\n\n3', [1, 2, 3]],
  ])('reads %j', async (lines, expected) => {
    expect(JSON.parse(await text(jsonArray(Readable.from([lines]))))).toEqual(expected);
  });
});

describe('a stack', () => {
  it('stands indented below what it belongs to, cut in its middle where it is long', () => {
    expect(stackBelow('Error: x\n    at f')).toBe('\n    Error: x\n        at f');
    expect(stackBelow(undefined)).toBe('');
    const lines = stackBelow(Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n'), '').split('\n');
    expect(lines).toHaveLength(1 + 12 + 1 + 12);
    expect(lines[13]).toBe('… 76 lines are left out (whole with --json)');
    expect(lines.at(-1)).toBe('line 99');
  });

  it('is shown with its task, under the module that failed', () => {
    const module = { state: 'failed', attempts: 1, node_id: 'n', waiting_reason: null, output: null };
    const error = { code: 'handler_error', message: 'KeyError', stack: 'Traceback:\n  File "x.py"' };
    const view = { task_id: 't/1', state: 'failed', modules: { train: { ...module, error } } };
    expect(describeTask(view)).toContain('\ntrain: handler_error\n    Traceback:\n      File "x.py"');
  });
});
