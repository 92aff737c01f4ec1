import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { readExactly } from '../../src/base/json/exact.js';
import type { Client } from '../../src/cli/client.js';
import { change, describeDiff } from '../../src/cli/print/diff.js';
import { jsonArray } from '../../src/cli/print/json-lines.js';
import { stackBelow } from '../../src/cli/print/stack.js';
import { table } from '../../src/cli/print/table.js';
import { eventLine } from '../../src/cli/tasks/event-line.js';
import { describeTask } from '../../src/cli/tasks/task.js';
import { varyingFields } from '../../src/cli/tasks/varying-fields.js';
import type { ModuleAnswerJson, TaskAnswerJson } from '../../src/contract/iteration.js';
import { differenceLine, differencesOf } from '../../src/node-kit/differences.js';
import { parseRecording } from '../../src/node-kit/recording.js';

function taskAnswer(
  state: TaskAnswerJson['state'],
  modules: Readonly<Record<string, Partial<ModuleAnswerJson>>>,
): TaskAnswerJson {
  const module = { attempts: 1, node_id: 'n', waiting_reason: null, error: null, output: null };
  const whole = Object.entries(modules).map(([name, fields]) => [name, { ...module, ...fields }]);
  return { task_id: 't/1', state, modules: Object.fromEntries(whole) } as TaskAnswerJson;
}

describe('a change', () => {
  it.each([
    [8, 6, '-25.0 %'],
    [100, 101, '+1.00 %'],
    [-2, -1, '+50.0 %'],
    [0, 5, ''],
    ['a', 'b', ''],
    [1, undefined, ''],
  ])('a change from %j to %j is printed as %j', (a, b, expected) => {
    expect(change(a, b)).toBe(expected);
  });

  it('shows a side that is not there, and says when nothing differs', () => {
    expect(describeDiff({ a: 1, b: 2, modules: { m: [{ path: '/x', a: null, b: 'new' }] } })).toMatch(
      /m +x +\(none\) +new/,
    );
    expect(describeDiff({ a: 1, b: 2, modules: {} })).toBe('Iterations 1 and 2 do not differ.');
  });
});

describe('a value for people', () => {
  const written = readExactly(
    '{"b":1.0,"10":-0,"9":[1e5,3.14159265358979323846],"__proto__":{"x":2.50}}',
  ) as object;

  it('is shown in a task as it was written, with six digits at most', () => {
    const view = taskAnswer('succeeded', { work: { state: 'succeeded', output: written } });
    expect(describeTask(view)).toMatch(
      /work:\n {2}b: 1\.0\n {2}"10": -0\n {2}"9":\n {4}- 1e5\n {4}- 3\.14159\n {2}__proto__:\n {4}x: 2\.50$/,
    );
  });

  it('has six digits at most in a task, also where JavaScript keeps it as it is', () => {
    const output = readExactly('{"loss":0.03333333333333333,"steps":12345678,"bad":{"$number":"NaN"}}');
    const view = taskAnswer('succeeded', { work: { state: 'succeeded', output } });
    expect(describeTask(view)).toMatch(/work:\n {2}loss: 0\.0333333\n {2}steps: 12345678\n {2}bad: NaN$/);
  });

  it('is shown as what it is where it is bytes, and cut with a count where it is long', () => {
    const module = { state: 'succeeded' } as const;
    const csv = Buffer.from('x,y\n0,1\n').toString('base64');
    const picture = Buffer.from(`\x89PNG\r\n\x1a\n${'x'.repeat(12_000)}`, 'latin1').toString('base64');
    const modules = {
      data: { ...module, output: csv, output_type: 'bytes:text/csv' },
      plot: { ...module, output: picture, output_type: 'bytes' },
      rows: {
        ...module,
        output_type: 'json',
        output: Array.from({ length: 500 }, (_, index) => ({ index })),
      },
    };
    const shown = describeTask(taskAnswer('succeeded', modules));
    expect(shown).toContain('data: |\n  x,y\n  0,1\nplot: image/png, 12.0 kB\nrows:\n');
    expect(shown.split('\n').slice(-2)).toEqual(['  - index: 19', '  - … (500 items, whole with --json)']);
    const differing = {
      data: [{ path: '', a: csv, b: null }],
      fit: [{ path: '/plot', a: null, b: picture }],
    };
    const types = { data: 'bytes:text/csv', 'fit.plot': 'bytes:image/png' };
    const described = describeDiff({ a: 1, b: 2, modules: differing, types: { a: types, b: types } });
    expect(described).toMatch(/data +x,y 0,1 +\(none\)/);
    expect(described).toMatch(/fit +plot +\(none\) +image\/png, 12\.0 kB/);
  });

  it('is NaN in a difference where it is', () => {
    const b = readExactly('{"$number":"NaN"}');
    expect(describeDiff({ a: 1, b: 2, modules: { m: [{ path: '/x', a: 1, b }] } })).toMatch(/x +1 +NaN$/);
  });

  it('is shown in a difference as it was written, with the change of a number', () => {
    const [a, b] = ['1.0', '1.50'].map(readExactly);
    expect(describeDiff({ a: 1, b: 2, modules: { m: [{ path: '/x', a, b }] } })).toMatch(
      /m +x +1\.0 +1\.50 +\+50\.0 %/,
    );
    const differences = differencesOf(
      { outputs: [written] },
      { outputs: [readExactly('{"b":2.0,"10":-0,"toString":1}')] },
    );
    expect(differences.map(differenceLine)).toEqual([
      '  outputs[0].9: [1e5,3.14159265358979323846] → (nothing)',
      '  outputs[0].b: 1.0 → 2.0',
      '  outputs[0].__proto__: {"x":2.50} → (nothing)',
      '  outputs[0].toString: (nothing) → 1',
    ]);
  });

  it.each([
    '{"inputs":{"a":1},"inputs":{"a":2}}',
    '{"inputs":{"a":1,"a":2}}',
    '{"inputs":{"a":1},"outputs":[1],"outputs":[2]}',
  ])('a recording line with a repeated name is refused: %s', (line) => {
    expect(parseRecording(line)).toMatchObject({
      executions: [],
      faults: [{ path: expect.stringMatching(/^line 1\./), code: 'duplicate_field' }],
    });
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
    const error = { code: 'handler_error', message: 'KeyError', stack: 'Traceback:\n  File "x.py"' };
    const view = taskAnswer('failed', { train: { state: 'failed', error } });
    expect(describeTask(view)).toContain('\ntrain: handler_error\n    Traceback:\n      File "x.py"');
  });
});

describe('the fields that a search shows by default', () => {
  it('are those that vary in what it finds first', async () => {
    const fields = { 'fit.loss': readExactly('0.5'), 'fit.mode': 'fast', 'input.rate': 1 };
    const found = [
      { problem_id: 'p', iteration_id: 1, graph: 'g', state: 'failed', fields },
      {
        problem_id: 'p',
        iteration_id: 2,
        graph: 'g',
        state: 'succeeded',
        fields: { ...fields, 'fit.loss': 2 },
      },
    ];
    const fit = { output: readExactly('{"loss":2,"mode":"fast","curve":[1]}') };
    const plot = { output: { picture: 'aGk=', dpi: 9 }, output_types: { picture: 'bytes', dpi: 'json' } };
    const asked: unknown[] = [];
    const client = {
      async get(path: string, query?: unknown) {
        asked.push([path, query]);
        const isTask = path === '/v1/problems/p/iterations/2';
        return { value: isTask ? { input: { rate: 1 }, modules: { fit, plot } } : { items: found } };
      },
    };
    const filter = 'input.rate = 1';
    const varying = await varyingFields(client as unknown as Client, '/v1/iterations', { filter });
    expect(varying).toEqual(['fit.loss']);
    expect(asked.at(-1)).toEqual([
      '/v1/iterations',
      { filter, fields: 'fit.loss,fit.mode,plot.dpi,input.rate', limit: 20 },
    ]);
  });
});
