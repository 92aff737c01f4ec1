/** Modules with `when`: decided by the values that are there, in whatever order they come, and over restarts, resets and reuse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/config/parse-expression.js';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { TaskRow } from '../../src/orchestrator/records.js';
import { moduleSpec } from './core.js';
import { inline, problemOf, Stage } from './stage.js';

function when(text: string): Pick<ModuleSpec, 'when'> {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return { when: { text, expression: parsed.expression } };
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

interface Part {
  readonly inputs: readonly number[];
  readonly takesSource: boolean;
  readonly ignore: boolean;
  readonly condition: { readonly of: number; readonly rest: string } | undefined;
  /** It does no work: a person decides. */
  readonly approves: boolean;
  /** Nothing where it fails, or is denied. */
  readonly value: number | undefined;
}

const RESTS = ['.n < 2', '.n >= 1', '.n = null', '.n != 3'];

const part = fc.record({
  inputs: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
  takesSource: fc.boolean(),
  ignore: fc.boolean(),
  approves: fc.boolean(),
  condition: fc.option(fc.record({ of: fc.nat(5), rest: fc.constantFrom(...RESTS) }), { nil: undefined }),
  value: fc.option(fc.nat(3), { nil: undefined, freq: 5 }),
});

/** Inputs of earlier modules only, and conditions over modules that lead here. */
function soundly(parts: readonly Part[]): Part[] {
  const before: Set<number>[] = [];
  return parts.map((one, at) => {
    const inputs = one.inputs.filter((input) => input < at);
    const mine = new Set(inputs.flatMap((input) => [input, ...before[input]!]));
    before.push(mine);
    const all = [...mine];
    const { condition } = one;
    return {
      ...one,
      inputs,
      takesSource: one.takesSource || inputs.length === 0,
      condition:
        condition && all.length > 0 ? { ...condition, of: all[condition.of % all.length]! } : undefined,
    };
  });
}

type Outcome = 'succeeded' | 'failed' | 'skipped' | 'ignored' | 'left out';

/** The same graph, module by module. */
function interpret(parts: readonly Part[]): { readonly outcomes: Outcome[]; readonly ran: number[] } {
  const outcomes: Outcome[] = [];
  const ran: number[] = [];
  for (const [at, { inputs, takesSource, ignore, condition, value }] of parts.entries()) {
    const theirs = inputs.map((input) => outcomes[input]!);
    const hasNone = !takesSource && !theirs.includes('succeeded');
    if (theirs.includes('failed') || theirs.includes('skipped'))
      outcomes.push(ignore ? 'ignored' : 'skipped');
    else if (hasNone && theirs.includes('left out')) outcomes.push('left out');
    else if (condition && !isMet(condition, outcomes, parts)) outcomes.push('left out');
    else {
      ran.push(at);
      outcomes.push(value !== undefined ? 'succeeded' : ignore ? 'ignored' : 'failed');
    }
  }
  return { outcomes, ran };
}

function isMet(
  { of, rest }: NonNullable<Part['condition']>,
  outcomes: readonly Outcome[],
  parts: readonly Part[],
): boolean {
  const { approves, value } = parts[of]!;
  // A decision has no such field.
  const n = outcomes[of] === 'succeeded' && !approves ? value : undefined;
  if (rest === '.n = null') return n === undefined;
  if (n === undefined) return false;
  if (rest === '.n < 2') return n < 2;
  return rest === '.n >= 1' ? n >= 1 : n !== 3;
}

describe('the scheduler and a plain interpreter of the same graph', () => {
  it('run, ask for and skip the same modules, whatever the order of arrivals', async () => {
    const seen = new Set<Outcome>();
    const scenario = fc.tuple(fc.array(part, { minLength: 2, maxLength: 6 }), fc.infiniteStream(fc.nat(99)));
    await fc.assert(
      fc.asyncProperty(scenario, async ([drawn, picks]) => {
        const parts = soundly(drawn);
        const expected = interpret(parts);
        for (const outcome of expected.outcomes) seen.add(outcome);
        const name = (at: number): string => `m${at}`;
        const stage = await Stage.set(
          ...parts.map(({ inputs, takesSource, ignore, approves, condition }, at) =>
            moduleSpec(name(at), [...(takesSource ? ['source'] : []), ...inputs.map(name)], {
              ...(ignore && { onError: 'ignore' }),
              ...(approves && { approve: { role: 'operator', message: 'go on?' } }),
              ...(condition && when(`${name(condition.of)}${condition.rest}`)),
            }),
          ),
        );
        const submitted = await stage.submit();
        const decided: string[] = [];
        for (;;) {
          const { open, asked } = stage;
          const due = [...open, ...asked];
          if (due.length === 0) break;
          // It is suspended when nothing but decisions can carry it on.
          expect((await stage.row(submitted)).state === 'suspended').toBe(open.length === 0);
          const module = due[(picks.next().value as number) % due.length]!;
          const { value, approves } = parts[Number(module.slice(1))]!;
          if (approves) {
            decided.push(module);
            await stage.decides(module, value === undefined ? 'deny' : 'approve');
          } else if (value === undefined) await stage.fails(module);
          else await stage.gives(module, { n: value });
        }
        expect([...stage.ran, ...decided].sort()).toEqual(expected.ran.map(name));
        const row = await stage.row(submitted);
        expect(row.state).toBe(expected.outcomes.includes('failed') ? 'failed' : 'succeeded');
        const skipped = Object.entries(row.modules).filter(([, { phase }]) => phase === 'skipped');
        expect(skipped.map(([module]) => module).sort()).toEqual(
          parts.flatMap((_, at) => (expected.ran.includes(at) ? [] : [name(at)])),
        );
        expect(await stage.core.faults()).toEqual([]);
      }),
      { numRuns: 50 },
    );
    expect([...seen]).toEqual(expect.arrayContaining(['succeeded', 'left out']));
  });
});
