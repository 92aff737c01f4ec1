/** Loops: in passes, until their condition holds, over restarts, resets and reuse. The order of arrivals is the interpreter's test. */
import { describe, expect, it } from 'vitest';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import { loop, moduleSpec } from './core.js';
import { inline, problemOf, Stage } from './stage.js';

const training = () =>
  Stage.looping(
    [loop('evaluate', 'train', 'evaluate.loss < 0.1', 3)],
    moduleSpec('prepare', ['source']),
    moduleSpec('train', ['prepare'], { previous: ['evaluate'] }),
    moduleSpec('evaluate', ['train', 'prepare']),
    moduleSpec('report', ['train']),
  );

async function pass(stage: Stage, loss: number) {
  await stage.gives('train', { w: loss });
  return stage.gives('evaluate', { loss });
}

const standing = ({ modules }: TaskRow): Record<string, string> =>
  Object.fromEntries(
    Object.entries(modules).map(([name, { phase, pass = 1, loop_end }]) => [
      name,
      [phase, pass, ...(loop_end ? [loop_end] : [])].join(' '),
    ]),
  );

describe('a loop', () => {
  it('gives each pass what the one before has put out, and what follows the last of it, once', async () => {
    const stage = await training();
    const submitted = await stage.submit();
    await stage.gives('prepare', {});
    const first = [stage.execution('train')!];
    expect(stage.previous('train')).toEqual({});
    await stage.gives('train', { w: 1 });
    first.push(stage.execution('evaluate')!);
    const passed = await stage.gives('evaluate', { loss: 0.5 });
    expect(passed.detail('loop.passed')).toEqual({
      ...{ from: 'evaluate', to: 'train', modules: ['train', 'evaluate'], pass: 2 },
    });
    expect(stage.open).toEqual(['train']);
    expect(stage.previous('train')).toEqual({ train: first[0], evaluate: first[1] });
    const ended = await pass(stage, 0.05);
    expect(ended.detail('loop.ended')).toEqual({ from: 'evaluate', to: 'train', pass: 2, why: 'until' });
    expect(stage.open).toEqual(['report']);
    const row = await stage.row(submitted);
    expect(stage.input('report', 'train')?.owner).toBe(row.modules.train!.executions[1]!.execution_id);
    expect(row.modules.train!.executions.map((one) => one.pass)).toEqual([1, 2]);
    expect((await stage.gives('report', {})).types).toContain('iteration.succeeded');
    expect(standing(await stage.row(submitted))).toEqual({
      ...{
        prepare: 'succeeded 1',
        train: 'succeeded 2',
        evaluate: 'succeeded 2 until',
        report: 'succeeded 1',
      },
    });
    expect(stage.ran).toEqual(['prepare', 'train', 'evaluate', 'train', 'evaluate', 'report']);
    expect(await stage.core.faults()).toEqual([]);
  });

  it('a loop that does not reach its condition fails its last module', async () => {
    const stage = await training();
    const submitted = await stage.submit();
    await stage.gives('prepare', {});
    for (const loss of [3, 2]) await pass(stage, loss);
    const ended = await pass(stage, 1);
    const error = { code: 'loop_exhausted', retryable: false };
    expect(ended.detail('loop.ended')).toMatchObject({ pass: 3, why: 'exhausted', error });
    await stage.gives('report', {});
    expect((await stage.row(submitted)).error).toMatchObject({ ...error, module: 'evaluate' });
    expect(await stage.core.faults()).toEqual([]);
  });

  it('goes on after its last pass where the graph says so', async () => {
    const stage = await Stage.looping(
      [loop('a', 'a', 'a.n > 5', 2, { onMax: 'continue' })],
      moduleSpec('a', ['source']),
      moduleSpec('b', ['a']),
    );
    await stage.submit();
    await stage.gives('a', { n: 1 });
    expect((await stage.gives('a', { n: 2 })).detail('loop.ended')).toMatchObject({ why: 'max' });
    expect((await stage.gives('b', {})).types).toContain('iteration.succeeded');
  });

  it('ends with a module of it that fails, and decides nothing by one that was skipped', async () => {
    const stage = await training();
    await stage.submit();
    await stage.gives('prepare', {});
    const failed = await stage.fails('train');
    expect(failed.detail('loop.ended')).toMatchObject({ why: 'failed', pass: 1 });
    expect(failed.types).toContain('iteration.failed');
    const skipping = await Stage.looping(
      [loop('b', 'a', 'input.n = 9', 2)],
      moduleSpec('a', ['source']),
      moduleSpec('b', ['a'], { when: loop('a', 'a', 'a.n = 1', 1).until }),
    );
    await skipping.submit({ n: 1 });
    const ended = await skipping.gives('a', { n: 2 });
    expect(ended.detail('loop.ended')).toMatchObject({ why: 'skipped' });
    expect(ended.types).toContain('iteration.succeeded');
  });

  it('fails where its condition would have to look into a blob', async () => {
    const stage = await Stage.looping([loop('a', 'a', 'input.n = 9', 2)], moduleSpec('a', ['source']));
    const prepared = { kind: 'blob', sha256: 'a'.repeat(64), size: 99_999 } as const;
    await stage.ask({
      ...{ kind: 'submit', graph: 'g', input: undefined, graphVersion: 1, project: 'default', prepared },
    });
    const ended = await stage.gives('a', {});
    expect(ended.detail('iteration.failed')).toMatchObject({ error: { code: 'not_inline', module: 'a' } });
  });

  it('is in the pass that it was in after a restart, and knows what the one before has put out', async () => {
    const stage = await training();
    const submitted = await stage.submit();
    await stage.gives('prepare', {});
    await pass(stage, 2);
    const [before] = stage.core.state.tasks.values();
    await stage.core.restart();
    const [after] = stage.core.state.tasks.values();
    const told = ({ runs }: NonNullable<typeof before>) =>
      runs.map((run) => [run?.pass, run?.phase.kind, run?.previous, run?.executions.map((one) => one.pass)]);
    expect(told(after!)).toEqual(told(before!));
    expect(standing(await stage.row(submitted))).toEqual({
      ...{ prepare: 'succeeded 1', train: 'placed 2', evaluate: 'waiting 2' },
    });
    expect(await stage.core.faults()).toEqual([]);
  });

  it('begins anew when its first module is reset, and repeats the pass from a later one', async () => {
    const stage = await training();
    const submitted = await stage.submit();
    const taskId = { problemId: problemOf(submitted), iterationId: 1 };
    const reset = (module: string) => stage.ask({ kind: 'task_command', taskId, command: 'reset', module });
    await stage.gives('prepare', {});
    await pass(stage, 2);
    const former = stage.previous('train');
    await stage.gives('train', { w: 1 });
    await reset('evaluate');
    expect(standing(await stage.row(submitted))).toMatchObject({
      train: 'succeeded 2',
      evaluate: 'placed 2',
    });
    expect(stage.previous('evaluate')).toEqual(former);
    await stage.gives('evaluate', { loss: 0.01 });
    expect(stage.open).toEqual(['report']);
    await reset('train');
    expect(standing(await stage.row(submitted))).toMatchObject({ train: 'placed 1', evaluate: 'waiting 1' });
    expect(stage.previous('train')).toEqual({});
    expect((await pass(stage, 2)).detail('loop.passed')).toMatchObject({ pass: 2 });
    expect(await stage.core.faults()).toEqual([]);
  });

  it('begins with what an iteration reuses, and gives the parent’s outputs to the first pass only', async () => {
    const stage = await training();
    const problemId = problemOf(await stage.submit());
    await stage.gives('prepare', {});
    await pass(stage, 0.01);
    await stage.gives('report', {});
    const { modules } = await stage.core.row(`${problemId}/1`);
    await stage.ask({
      ...{ kind: 'iterate', problemId, graphVersion: 1, parentIterationId: 1, reuse: ['prepare', 'train'] },
      preparedOverrides: [{ module: 'evaluate', input: 'train', value: inline({ w: 9 }) }],
    });
    await stage.gives('evaluate', { loss: 4 });
    const owner = modules.train!.executions[0]!.execution_id;
    expect(stage.previous('train').train).toBe(owner);
    expect(stage.previous('train').evaluate).not.toBe(modules.evaluate!.executions[0]!.execution_id);
    await stage.gives('train', { w: 2 });
    expect(stage.input('evaluate', 'train')?.owner).toBe('override/evaluate/train');
    await stage.gives('evaluate', { loss: 0 });
    expect(stage.open).toEqual(['report']);
    expect(await stage.core.faults()).toEqual([]);
  });
});
