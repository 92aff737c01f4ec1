/** Modules with `approve`: asked once their inputs are there, decided once, over restarts, resets and reuse. */
import { describe, expect, it } from 'vitest';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { expressionOf, moduleSpec } from './core.js';
import { problemOf, Stage } from './stage.js';

const asks = { approve: { role: 'operator', message: 'Deploy it?' } } as const;

function when(text: string): Pick<ModuleSpec, 'when'> {
  return { when: expressionOf(text) };
}

const codeOf = (answer: Answer | undefined): string | undefined =>
  answer?.ok === false ? answer.code : 'ok';

/** Train, a person's review, and what follows from it. */
const set = (more: Partial<ModuleSpec> = {}): Promise<Stage> =>
  Stage.set(
    moduleSpec('train', ['source']),
    moduleSpec('review', ['train'], { ...asks, ...more }),
    moduleSpec('deploy', ['train', 'review']),
  );

describe('a module that asks a person', () => {
  it('needs no node: it is asked once its inputs are there, and the task is suspended until it is decided', async () => {
    const stage = await set();
    const submitted = await stage.submit();
    expect(stage.asked).toEqual([]);
    const asked = await stage.gives('train', { loss: 1 });
    expect(asked.detail('approval.requested')).toEqual({ role: 'operator', message: 'Deploy it?' });
    expect(asked.detail('iteration.suspended')).toEqual({ reason: 'waiting for approval of review' });
    const row = await stage.row(submitted);
    expect(row.modules.review).toMatchObject({
      ...{ phase: 'waiting', reason: 'waiting for approval: Deploy it?', executions: [] },
      waiting: { code: 'approval', ...asks.approve, requested_at: '2026-01-01T00:00:01.000Z' },
    });
    expect(await stage.core.check()).toMatchObject({ faults: [], counts: { 'approvals that wait': 1 } });
    const decided = await stage.decides('review', 'approve', 'the loss is low');
    const record = {
      decision: 'approve',
      by: 'ada',
      reason: 'the loss is low',
      at: '2026-01-01T00:00:01.000Z',
    };
    expect(decided.answers).toEqual([
      { ok: true, kind: 'done', body: { task_id: expect.any(String), module: 'review', ...record } },
    ]);
    expect(decided.types).toEqual(['approval.decided', 'iteration.resumed', 'execution.assigned']);
    const [payload] = decided.journal.payloads;
    expect(JSON.parse(Buffer.from(payload!.bytes).toString())).toEqual(record);
    expect(stage.input('deploy', 'review')).toEqual(payload!.ref);
    const last = await stage.gives('deploy', {});
    expect(last.types).toContain('iteration.succeeded');
    expect(await stage.core.faults()).toEqual([]);
  });

  it('fails as denied, with the reason', async () => {
    const stage = await set();
    await stage.submit();
    await stage.gives('train', {});
    const denied = await stage.decides('review', 'deny', 'too slow');
    expect(denied.detail('iteration.failed')).toEqual({
      error: { code: 'denied', message: 'it was denied: too slow', retryable: false, module: 'review' },
    });
    expect(denied.types).toContain('module.skipped');
    expect(await stage.core.faults()).toEqual([]);
  });

  it('a module that is denied and ignored lets the rest run without its output', async () => {
    const stage = await set({ onError: 'ignore' });
    await stage.submit();
    await stage.gives('train', {});
    await stage.decides('review', 'deny');
    expect(stage.open).toEqual(['deploy']);
    expect(stage.input('deploy', 'review')).toBeUndefined();
    expect((await stage.gives('deploy', {})).types).toContain('iteration.succeeded');
  });

  it('is decided once, and only while it waits', async () => {
    const stage = await set();
    const submitted = await stage.submit();
    const taskId = { problemId: problemOf(submitted), iterationId: 1 };
    const decide = async (more: object = {}): Promise<string | undefined> => {
      const request = {
        kind: 'decide_approval',
        taskId,
        module: 'review',
        decision: 'approve',
        role: 'operator',
      } as const;
      return codeOf((await stage.ask({ ...request, ...more })).answers[0]);
    };
    expect(await decide()).toBe('approval_not_requested');
    await stage.gives('train', {});
    expect(await decide({ role: 'author' })).toBe('operator_needed');
    expect(await decide({ module: 'train' })).toBe('approval_not_requested');
    expect(await decide({ module: 'nobody' })).toBe('unknown_module');
    expect(await decide({ taskId: { ...taskId, iterationId: 9 } })).toBe('unknown_task');
    expect(await decide()).toBe('ok');
    expect(await decide({ decision: 'deny' })).toBe('approval_decided');
    await stage.gives('deploy', {});
    expect(await decide()).toBe('approval_decided');
    expect(await decide({ module: 'train' })).toBe('task_ended');
  });

  it('gives the same answer to the same key', async () => {
    const stage = await set();
    const submitted = await stage.submit();
    await stage.gives('train', {});
    const taskId = { problemId: problemOf(submitted), iterationId: 1 };
    const request = {
      kind: 'decide_approval',
      taskId,
      module: 'review',
      decision: 'approve',
      role: 'operator',
    } as const;
    const [first, again] = [
      await stage.core.ask(request, { key: 'k', hash: 'h' }),
      await stage.core.ask(request, { key: 'k', hash: 'h' }),
    ];
    expect([codeOf(first), again]).toEqual(['ok', first]);
  });

  it('waits on after a restart, without being asked again', async () => {
    const stage = await set();
    await stage.submit();
    await stage.gives('train', {});
    await stage.core.restart();
    expect(stage.asked).toEqual(['review']);
    expect([...stage.core.state.tasks.values()].map(({ state }) => state)).toEqual(['suspended']);
    expect((await stage.decides('review', 'approve')).types).toContain('iteration.resumed');
    await stage.core.restart();
    expect(await stage.core.faults()).toEqual([]);
  });

  it('leaves the task running while something else runs, and has it suspended after that', async () => {
    const stage = await Stage.set(
      moduleSpec('review', ['source'], asks),
      moduleSpec('other', ['source']),
      moduleSpec('both', ['review', 'other']),
    );
    const submitted = await stage.submit();
    expect([stage.asked, (await stage.row(submitted)).state]).toEqual([['review'], 'running']);
    const after = await stage.gives('other', {});
    expect(after.types).toContain('iteration.suspended');
    await stage.decides('review', 'approve');
    expect(stage.open).toEqual(['both']);
  });

  it('is suspended from the beginning where it comes first, and starts with the decision', async () => {
    const stage = await Stage.set(moduleSpec('review', ['source'], asks), moduleSpec('next', ['review']));
    const submitted = await stage.submit();
    expect((await stage.row(submitted)).state).toBe('suspended');
    await stage.decides('review', 'approve');
    expect(await stage.row(submitted)).toMatchObject({ state: 'running', started_at: expect.any(Number) });
  });

  it('is asked again after a reset, also of what it takes, and the earlier decision counts no more', async () => {
    const stage = await set();
    const submitted = await stage.submit();
    const taskId = { problemId: problemOf(submitted), iterationId: 1 };
    await stage.gives('train', {});
    await stage.decides('review', 'approve');
    const before = stage.input('deploy', 'review');
    const again = await stage.ask({ kind: 'task_command', taskId, command: 'reset', module: 'review' });
    expect(again.types).toContain('approval.requested');
    expect(stage.asked).toEqual(['review']);
    const reset = await stage.ask({ kind: 'task_command', taskId, command: 'reset', module: 'train' });
    expect(reset.types).toContain('iteration.resumed');
    expect(stage.asked).toEqual([]);
    expect(await stage.core.faults()).toEqual([]);
    await stage.gives('train', {});
    await stage.decides('review', 'approve');
    expect(stage.input('deploy', 'review')).not.toEqual(before);
    expect(await stage.core.faults()).toEqual([]);
  });

  it('waits no longer once its task is stopped', async () => {
    const stage = await set();
    const submitted = await stage.submit();
    const taskId = { problemId: problemOf(submitted), iterationId: 1 };
    await stage.gives('train', {});
    const stopped = await stage.ask({ kind: 'task_command', taskId, command: 'stop' });
    expect(stopped.types).toContain('iteration.cancelled');
    const late = await stage.ask({
      kind: 'decide_approval',
      taskId,
      module: 'review',
      decision: 'approve',
      role: 'admin',
    });
    expect(codeOf(late.answers[0])).toBe('task_ended');
    expect(await stage.core.check()).toMatchObject({ faults: [], counts: { iterations: 1 } });
  });

  it('is not asked where its condition does not hold, and conditions after it look at the decision', async () => {
    const stage = await Stage.set(
      moduleSpec('train', ['source']),
      moduleSpec('review', ['train'], { ...asks, ...when('train.loss > 1') }),
      moduleSpec(
        'deploy',
        ['train', 'review'],
        when('review.decision = "approve" or review.decision = null'),
      ),
      moduleSpec('never', ['review'], when('review.reason = "no"')),
    );
    await stage.submit();
    const low = await stage.gives('train', { loss: 0 });
    expect(low.types).not.toContain('approval.requested');
    expect(stage.open).toEqual(['deploy']);
    await stage.gives('deploy', {});
    await stage.submit();
    await stage.gives('train', { loss: 2 });
    const decided = await stage.decides('review', 'approve', 'yes');
    expect(decided.detail('module.skipped')).toEqual({ reason: 'condition' });
    expect(stage.open).toEqual(['deploy']);
  });

  it('has its decision reused with all that it was about, and not without', async () => {
    const stage = await set();
    const submitted = await stage.submit({ n: 1 });
    const problemId = problemOf(submitted);
    await stage.gives('train', {});
    await stage.decides('review', 'approve', 'fine');
    await stage.gives('deploy', {});
    const iterate = (more: object) =>
      stage.ask({ kind: 'iterate', problemId, graphVersion: 1, parentIterationId: 1, ...more });
    const alone = await iterate({ reuse: ['review'] });
    expect(alone.answers).toMatchObject([
      { ok: false, code: 'bad_reuse', details: [{ path: '/reuse/0', code: 'inputs_not_reused' }] },
    ]);
    const reused = await iterate({ reuse: ['train', 'review'] });
    expect(reused.types).not.toContain('approval.requested');
    const output = reused.journal.events.flatMap(({ fact }) =>
      fact.type === 'module.reused' && fact.module === 'review' ? [fact] : [],
    );
    expect(output).toMatchObject([{ reused_from: { iteration_id: 1, execution_id: 'approval/review' } }]);
    expect(stage.input('deploy', 'review')).toMatchObject({ iterationId: 1, owner: 'approval/review' });
    await stage.gives('deploy', {});
    expect(await stage.core.faults()).toEqual([]);
  });

  it('leaves nothing behind of a step that fails', async () => {
    const stage = await set();
    stage.core.isSabotaged = true;
    await stage.submit();
    await stage.gives('train', {});
    await stage.decides('review', 'approve');
    expect(stage.core.undoneSteps).toBeGreaterThan(0);
    expect(await stage.core.faults()).toEqual([]);
  });
});
