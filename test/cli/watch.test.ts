import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerClientCommands } from '../../src/cli/client-commands.js';
import { createProgram, run } from '../../src/cli/program.js';
import { eventLine } from '../../src/cli/tasks/event-line.js';
import { advance, boardOf, noteOf } from '../../src/cli/watch/board.js';
import { draw, duration } from '../../src/cli/watch/draw.js';
import type { StreamedEvent } from '../../src/client/follow.js';
import type { TaskAnswerJson } from '../../src/contract/iteration.js';
import { type RunningGateway, startGateway } from '../support/gateway.js';

const INPUTS = { length: ['text'], report: ['length'] };
const AT = Date.parse('2026-01-01T00:00:00Z');

function event(type: string, more: Partial<StreamedEvent> = {}): StreamedEvent {
  return { seq: 1, at: new Date(AT).toISOString(), type, ...more };
}

const WAITING = boardOf({ task_id: 'p/1', state: 'waiting', modules: {} } as unknown as TaskAnswerJson, {
  inputs: INPUTS,
  loops: [],
});
const plain = (_ink: string, text: string): string => text;

function boardAfter(...events: StreamedEvent[]) {
  return events.reduce(advance, WAITING);
}

describe('the board of a task', () => {
  it('follows a module through its execution', () => {
    const one = { module: 'length', execution_id: 'e1' };
    const board = boardAfter(
      event('iteration.started'),
      event('execution.assigned', one),
      event('execution.running', one),
      event('execution.progress', { ...one, progress: 0.5, message: 'counting' }),
    );
    expect(board).toMatchObject({ state: 'running', startedAt: AT });
    expect(board.lines[0]).toMatchObject({
      state: 'running',
      progress: 0.5,
      note: 'counting',
      startedAt: AT,
    });
    const failed = advance(board, event('execution.failed', { ...one, error: { message: 'it broke' } }));
    expect(failed.lines[0]).toMatchObject({ state: 'failed', note: 'it broke', finishedAt: AT });
    const again = advance(failed, event('module.waiting', { module: 'length', reason: 'again in 1 s' }));
    expect(again.lines[0]).toMatchObject({ state: 'waiting', note: 'again in 1 s', progress: undefined });
  });

  it('shows what a person is asked and how they have decided', () => {
    const asked = event('approval.requested', { module: 'length', message: 'go on?' });
    const decided = (decision: string) =>
      event('approval.decided', { module: 'length', decision, reason: 'it is long' });
    expect(boardAfter(asked).lines[0]).toMatchObject({
      state: 'waiting',
      note: 'waiting for approval: go on?',
    });
    expect(boardAfter(asked, decided('approve')).lines[0]).toMatchObject({
      ...{ state: 'succeeded', note: 'approved: it is long' },
    });
    expect(boardAfter(asked, decided('deny')).lines[0]).toMatchObject({
      ...{ state: 'failed', note: 'denied: it is long' },
    });
    expect(eventLine(decided('deny'))).toMatch(/length approval\.decided deny it is long$/);
  });

  it('shows whose output is reused and which inputs are others, and counts them as done', () => {
    const from = { iteration_id: 3, execution_id: 'e9' };
    const board = boardAfter(event('module.reused', { module: 'length', reused_from: from }));
    expect(board.lines[0]).toMatchObject({ state: 'reused', note: 'of iteration 3' });
    expect(draw(board, AT, 100, plain)).toMatch(/1 of 2 modules.*\n.*\n⟲ length reused +█+ .*of iteration 3/);
    const modules = { length: { state: 'reused', reused_from: from }, report: { overridden: ['length'] } };
    const view = { task_id: 'p/2', state: 'running', modules } as unknown as TaskAnswerJson;
    expect(boardOf(view, { inputs: INPUTS, loops: [] }).lines.map(({ note }) => note)).toEqual([
      'of iteration 3',
      'with another length',
    ]);
    expect(eventLine(event('module.reused', { module: 'length', reused_from: from }))).toBe(
      '00:00:00 length module.reused of iteration 3',
    );
    const cached = {
      problem_id: '00000000-0000-7000-8000-00000000abcd',
      iteration_id: 2,
      execution_id: 'e9',
    };
    const taken = event('module.reused', { module: 'length', cached_from: cached });
    expect(boardAfter(taken).lines[0]).toMatchObject({ state: 'reused', note: 'of 0000abcd/2' });
    expect(eventLine(taken)).toBe('00:00:00 length module.reused of 0000abcd/2');
  });

  it('says of what a reset takes back that it waits, and for what', () => {
    const INPUTS_OF_THREE = { a: ['source'], b: ['a'], c: ['b'] };
    const modules = { a: { state: 'succeeded' }, b: { state: 'succeeded' }, c: { state: 'running' } };
    const view = { task_id: 'p/1', state: 'running', modules } as unknown as TaskAnswerJson;
    const reset = ['a', 'b', 'c'].map((module) => event('module.reset', { module }));
    const board = reset.reduce(advance, boardOf(view, { inputs: INPUTS_OF_THREE, loops: [] }));
    expect(board.lines.map((line) => [line.state, noteOf(board, line)])).toEqual([
      ['waiting', ''],
      ['waiting', 'waiting for a'],
      ['waiting', 'waiting for b'],
    ]);
  });

  it('tells the passes of a loop apart, and says what waits for its end', () => {
    const modules = {
      train: { state: 'succeeded', pass: 1 },
      evaluate: { state: 'succeeded', pass: 1 },
      report: { state: 'waiting' },
    };
    const view = { task_id: 'p/1', state: 'running', modules } as unknown as TaskAnswerJson;
    const inputs = { train: ['source'], evaluate: ['train'], report: ['evaluate'] };
    const loops = [{ from: 'evaluate', modules: ['train', 'evaluate'] }];
    const first = boardOf(view, { inputs, loops });
    expect(noteOf(first, first.lines[2]!)).toBe('waiting for evaluate');
    const of = { from: 'evaluate', to: 'train', modules: ['train', 'evaluate'] };
    const passed = event('loop.passed', { ...of, pass: 2 });
    const second = advance(first, passed);
    expect(second.lines.map((line) => [line.state, line.pass, noteOf(second, line)])).toEqual([
      ['waiting', 2, ''],
      ['waiting', 2, 'waiting for train'],
      ['waiting', undefined, 'waiting for evaluate'],
    ]);
    expect(draw(second, AT, 100, plain)).toContain('pass 2');
    expect(eventLine(passed)).toBe('00:00:00 loop.passed pass 2');
    const error = { code: 'loop_exhausted', message: 'it did not hold' };
    const ended = advance(second, event('loop.ended', { ...of, pass: 2, why: 'exhausted', error }));
    expect(ended.lines[1]).toMatchObject({ state: 'failed', note: 'it did not hold' });
    expect(ended.ended).toEqual(['evaluate']);
    const reset = event('module.reset', { module: 'evaluate', pass: 2 });
    expect(advance(ended, reset).ended).toEqual([]);
  });

  it('counts the items of a map that are done, and is done with the last of them', () => {
    const begun = boardAfter(
      event('map.started', { module: 'length', items: 4 }),
      event('execution.assigned', { module: 'length', item: 0, execution_id: 'x' }),
      event('execution.succeeded', { module: 'length', item: 0, execution_id: 'x' }),
      event('item.succeeded', { module: 'length', item: 0, execution_id: 'x' }),
    );
    expect(begun.lines[0]).toMatchObject({ state: 'running', progress: 0.25, items: { total: 4, done: 1 } });
    expect(draw(begun, AT, 100, plain)).toContain('1/4 items');
    expect(eventLine(event('map.started', { module: 'length', items: 1 }))).toContain('map.started 1 item');
    const ended = advance(begun, event('module.mapped', { module: 'length', items: 4 }));
    expect(ended.lines[0]).toMatchObject({ state: 'succeeded', progress: 1 });
  });

  it('does not wait for an input that failed and is ignored', () => {
    const modules = {
      a: { state: 'failed' },
      b: { state: 'running' },
      c: { waiting_reason: 'waiting for a, b' },
    };
    const view = { task_id: 'p/1', state: 'running', modules } as unknown as TaskAnswerJson;
    const board = boardOf(view, { inputs: { a: ['source'], b: ['source'], c: ['a', 'b'] }, loops: [] });
    expect(noteOf(board, { ...board.lines[2]!, state: 'waiting' })).toBe('waiting for b');
  });

  it('does not listen to an execution that has been replaced', () => {
    const board = boardAfter(
      event('execution.assigned', { module: 'length', execution_id: 'e1' }),
      event('execution.assigned', { module: 'length', execution_id: 'e2' }),
      event('execution.succeeded', { module: 'length', execution_id: 'e1' }),
    );
    expect(board.lines[0]).toMatchObject({ state: 'assigned', execution: 'e2' });
  });
});

describe('the drawing', () => {
  it('shows signs, bars, times and what feeds what', () => {
    const board = boardAfter(
      event('iteration.started'),
      event('execution.assigned', { module: 'length', execution_id: 'e1' }),
      event('execution.progress', {
        module: 'length',
        execution_id: 'e1',
        progress: 0.5,
        message: 'counting',
      }),
    );
    expect(draw(board, AT + 1500, 80, plain).split('\n')).toEqual([
      'p/1  running  0 of 2 modules  1.5 s',
      '',
      '◔ length assigned  ████████░░░░░░░░  50 %    1.5 s  counting',
      '○ report waiting   ░░░░░░░░░░░░░░░░                 waiting for length',
    ]);
  });

  it.each([120, 80, 60, 40, 20, 5])('has no line wider than a terminal of %i columns', (width) => {
    const long = 'a reason that goes on\nand on '.repeat(20);
    const board = boardAfter(event('module.waiting', { module: 'length', reason: long }));
    for (const line of draw(board, AT, width, plain).split('\n'))
      expect(line.length).toBeLessThanOrEqual(width);
  });

  it('writes durations with a unit that fits', () => {
    expect([0, 840, 12_345, 245_000, 7_500_000].map(duration)).toEqual([
      '0 ms',
      '840 ms',
      '12.3 s',
      '4m 05s',
      '2h 05m',
    ]);
  });
});

describe('watch in a terminal', () => {
  let running: RunningGateway;
  beforeEach(async () => {
    running = await startGateway();
  });
  afterEach(() => running.gateway.stop());

  it('draws the task over itself until it has ended, then prints what came of it', async () => {
    const answer = await running.coordinator.request({ kind: 'submit', graph: 'demo', input: {} });
    const task = { problemId: String(answer.ok && answer.body.problem_id), iterationId: 1 };
    let shown = '';
    let wake = (): void => {};
    const stdout = Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          shown += String(chunk);
          wake();
          done();
        },
      }),
      { isTTY: true, columns: 100, rows: 40 },
    );
    const stop = new AbortController();
    const io = {
      stdin: process.stdin,
      stdout,
      stderr: new Writable(),
      env: { TUTTI_URL: running.url },
      signal: stop.signal,
    };
    const program = createProgram(io, '0.0.0');
    registerClientCommands(program, io, () => ({ ok: false, faults: [] }));
    const drawn = new Promise<void>((resolve) => {
      wake = () => stripVTControlCharacters(shown).includes('◔ length') && resolve();
    });
    const exit = run(program, ['watch', `${task.problemId}/1`], io);
    await drawn;
    running.coordinator.output(task, 'length', 5);
    running.coordinator.end(task, 'succeeded');
    expect(await exit).toBe(0);
    const text = stripVTControlCharacters(shown);
    expect(text).toContain('0 of 2 modules');
    expect(text).toMatch(/○ report +waiting/);
    expect(text).not.toContain('output.recorded');
    expect(text).toMatch(/MODULE +STATE +ATTEMPTS/);
  });
});
