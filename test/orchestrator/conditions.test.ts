/** Modules with `when`: decided by the values that are there, in whatever order they come, and over restarts, resets and reuse. */
import { describe, expect, it } from 'vitest';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import { expressionOf, moduleSpec } from './core.js';
import { inline, problemOf, Stage } from './stage.js';

function when(text: string): Pick<ModuleSpec, 'when'> {
  return { when: expressionOf(text) };
}

const phases = ({ modules }: TaskRow): Record<string, string> =>
  Object.fromEntries(
    Object.entries(modules).map(([name, { phase, reason }]) => [
      name,
      reason === undefined ? phase : `${phase}: ${reason}`,
    ]),
  );

describe('a module with a condition', () => {
  it('runs where it holds, is skipped where not, and what follows runs with what else there is', async () => {
    const stage = await Stage.set(
      moduleSpec('a', ['source']),
      moduleSpec('good', ['a'], when('a.loss < 0.1 and input.mode = "full"')),
      moduleSpec('bad', ['a'], when('not a.loss < 0.1')),
      moduleSpec('only', ['good']),
      moduleSpec('both', ['good', 'bad']),
      moduleSpec('with_source', ['source', 'only']),
    );
    const submitted = await stage.submit({ mode: 'full' });
    await stage.gives('a', { loss: 0.5 });
    expect(stage.open).toEqual(['bad', 'with_source']);
    await stage.gives('bad', {});
    await stage.gives('with_source', {});
    const last = await stage.gives('both', {});
    expect(last.types).toContain('iteration.succeeded');
    expect(phases(await stage.row(submitted))).toEqual({
      a: 'succeeded',
      good: 'skipped: condition',
      bad: 'succeeded',
      only: 'skipped: good was skipped',
      both: 'succeeded',
      with_source: 'succeeded',
    });
    expect(await stage.core.faults()).toEqual([]);
  });

  it('succeeds even if nothing but its conditions is decided', async () => {
    const stage = await Stage.set(
      moduleSpec('a', ['source'], when('input.n > 3')),
      moduleSpec('b', ['a'], { onError: 'ignore' }),
    );
    const submitted = await stage.submit({ n: 3 });
    expect(submitted.types).toEqual(expect.arrayContaining(['module.skipped', 'iteration.succeeded']));
    expect(stage.ran).toEqual([]);
    expect(phases(await stage.row(submitted))).toEqual({
      a: 'skipped: condition',
      b: 'skipped: a was skipped',
    });
  });

  it('is decided by what was recorded before a restart', async () => {
    const stage = await Stage.set(
      moduleSpec('a', ['source']),
      moduleSpec('b', ['source']),
      moduleSpec('c', ['a', 'b'], when('a.ok = true and input.n = 1')),
    );
    await stage.submit({ n: 1 });
    await stage.gives('a', { ok: true });
    await stage.core.restart();
    const task = [...stage.core.state.tasks.values()][0]!;
    expect(task.compared).toEqual(
      new Map([
        ['source', [1]],
        ['a', [0]],
      ]),
    );
    expect(await stage.core.faults()).toEqual([]);
  });

  it('is decided anew after a reset', async () => {
    const stage = await Stage.set(
      moduleSpec('a', ['source']),
      moduleSpec('b', ['a'], when('a.ok = true')),
      moduleSpec('other', ['source']),
    );
    const submitted = await stage.submit();
    await stage.gives('a', { ok: false });
    const taskId = { problemId: problemOf(submitted), iterationId: 1 };
    await stage.ask({ kind: 'task_command', taskId, command: 'reset', module: 'a' });
    await stage.gives('a', { ok: true });
    expect(stage.open).toEqual(['other', 'b']);
  });

  it('looks at outputs that are reused, at the input of the parent, and at what is in the place of an input', async () => {
    const stage = await Stage.set(
      moduleSpec('a', ['source']),
      moduleSpec('b', ['a'], when('a.n = 1 and input.n = 7')),
    );
    const problemId = problemOf(await stage.submit({ n: 7 }));
    await stage.gives('a', { n: 1 });
    await stage.gives('b', {});
    const iterate = (more: object) =>
      stage.ask({ kind: 'iterate', problemId, graphVersion: 1, parentIterationId: 1, reuse: ['a'], ...more });
    await iterate({});
    expect(stage.open).toEqual(['b']);
    await stage.gives('b', {});
    const override = { module: 'b', input: 'a', value: inline({ n: 2 }) };
    const skipped = await iterate({ preparedOverrides: [override] });
    expect(skipped.detail('module.skipped')).toEqual({ reason: 'condition' });
    const other = await iterate({ prepared: inline({ n: 8 }) });
    expect(other.detail('module.skipped')).toEqual({ reason: 'condition' });
    expect(await stage.core.faults()).toEqual([]);
  });

  it('fails where it would have to look into a blob', async () => {
    const stage = await Stage.set(moduleSpec('b', ['source'], when('input.n = 1')));
    const sha256 = 'a'.repeat(64);
    const prepared = { kind: 'blob', sha256, size: 99_999 } as const;
    const submitted = await stage.ask({
      ...{ kind: 'submit', graph: 'g', input: undefined, graphVersion: 1, project: 'default', prepared },
    });
    expect(submitted.detail('iteration.failed')).toMatchObject({
      error: { code: 'not_inline', module: 'b' },
    });
  });
});
