/** Graphs with conditions, approvals and loops, against a plain interpreter of the same graph. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loopFaults } from '../../src/config/graph/loop-faults.js';
import { bodyOf } from '../../src/model/graph.js';
import { expressionOf, loop, moduleSpec } from './core.js';
import { Stage } from './stage.js';

interface Part {
  readonly inputs: readonly number[];
  readonly takesSource: boolean;
  readonly ignore: boolean;
  readonly condition: { readonly of: number; readonly rest: string } | undefined;
  /** It does no work: a person decides. */
  readonly approves: boolean;
  /** In each pass, over and over again; nothing where it fails, or is denied. */
  readonly values: readonly (number | undefined)[];
}

interface Round {
  readonly from: number;
  readonly to: number;
  readonly until: { readonly of: number; readonly rest: string };
  readonly max: number;
  readonly goesOn: boolean;
}

interface Drawn {
  readonly parts: readonly Part[];
  readonly rounds: readonly Round[];
}

const RESTS = ['.n < 2', '.n >= 1', '.n = null', '.n != 3'];
const condition = fc.record({ of: fc.nat(5), rest: fc.constantFrom(...RESTS) });

const part = fc.record({
  inputs: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
  takesSource: fc.boolean(),
  ignore: fc.boolean(),
  approves: fc.boolean(),
  condition: fc.option(condition, { nil: undefined }),
  values: fc.array(fc.option(fc.nat(3), { nil: undefined, freq: 5 }), { minLength: 1, maxLength: 3 }),
});
const round = fc.record({
  from: fc.nat(5),
  to: fc.nat(5),
  until: condition,
  max: fc.integer({ min: 1, max: 3 }),
  goesOn: fc.boolean(),
});
const graph = fc.record({
  parts: fc.array(part, { minLength: 2, maxLength: 6 }),
  rounds: fc.array(round, { maxLength: 3 }),
});

const name = (at: number): string => `m${at}`;

/** Inputs of earlier modules only, conditions over modules that lead there, and loops that a graph can have. */
function soundly({ parts: drawn, rounds }: Drawn): Drawn {
  const before: Set<number>[] = [];
  const known = (one: NonNullable<Part['condition']>, all: readonly number[]) => ({
    ...one,
    of: all[one.of % all.length]!,
  });
  const parts = drawn.map((one, at): Part => {
    const inputs = one.inputs.filter((input) => input < at);
    const mine = new Set(inputs.flatMap((input) => [input, ...before[input]!]));
    before.push(mine);
    const condition = one.condition && mine.size > 0 ? known(one.condition, [...mine]) : undefined;
    return { ...one, inputs, takesSource: one.takesSource || inputs.length === 0, condition };
  });
  const modules = Object.fromEntries(parts.map(({ inputs }, at) => [name(at), { inputs: inputs.map(name) }]));
  const kept: Round[] = [];
  for (const one of rounds) {
    const from = one.from % parts.length;
    const leading = [from, ...before[from]!];
    const to = leading[one.to % leading.length]!;
    const next = { ...one, from, to, until: known(one.until, leading) };
    const loops = [...kept, next].map((each) => ({ from: name(each.from), to: name(each.to) }));
    if (loopFaults({ modules, loops }).length === 0) kept.push(next);
  }
  return { parts, rounds: kept };
}

type Outcome = 'succeeded' | 'failed' | 'skipped' | 'ignored' | 'left out';

interface Told {
  readonly outcomes: readonly Outcome[];
  /** Each module that was to do something, with its pass. */
  readonly ran: readonly (readonly [module: number, pass: number])[];
  /** By loop, the former outputs that each of its modules gets, in each pass. */
  readonly former: ReadonlyMap<string, readonly number[]>;
  readonly passes: number;
}

/** The same graph, module by module; a loop, pass by pass. */
class Interpreter {
  readonly #parts: readonly Part[];
  readonly #loops: readonly (Round & { readonly body: readonly number[] })[];
  /** As the rest of the graph sees them. */
  readonly #outcomes = new Map<number, Outcome>();
  readonly #passes = new Map<number, number>();
  readonly #ran: [number, number][] = [];
  readonly #former = new Map<string, number[]>();

  constructor({ parts, rounds }: Drawn) {
    this.#parts = parts;
    const linked = parts.map(({ inputs }, at) => ({ name: name(at), inputs: inputs.map(name) }));
    this.#loops = rounds.map((one) => ({
      ...one,
      body: bodyOf(linked, { from: name(one.from), to: name(one.to) }).map((each) => Number(each.slice(1))),
    }));
  }

  run(): Told {
    const outcomes = this.#parts.map((_, at) => this.#settle(at));
    const passes = Math.max(1, ...this.#passes.values());
    return { outcomes, ran: this.#ran, former: this.#former, passes };
  }

  #settle(at: number): Outcome {
    const known = this.#outcomes.get(at);
    if (known) return known;
    const round = this.#loops.find(({ body }) => body.includes(at));
    if (round) this.#repeat(round);
    else
      this.#outcomes.set(
        at,
        this.#play(at, 1, (other) => this.#settle(other)),
      );
    return this.#outcomes.get(at)!;
  }

  #repeat({ body, from, until, max, goesOn }: Round & { readonly body: readonly number[] }): void {
    for (let pass = 1; ; pass += 1) {
      const outcomes = new Map<number, Outcome>();
      for (const at of body) this.#passes.set(at, pass);
      const see = (other: number): Outcome =>
        body.includes(other) ? outcomes.get(other)! : this.#settle(other);
      for (const at of body) outcomes.set(at, this.#play(at, pass, see));
      const all = [...outcomes.values()];
      const isOver =
        all.includes('failed') ||
        all.includes('skipped') ||
        outcomes.get(from) !== 'succeeded' ||
        this.#isMet(until, see);
      if (!isOver && pass < max) {
        const given = body.filter((at) => outcomes.get(at) === 'succeeded');
        for (const at of body) this.#former.set(`${at} ${pass + 1}`, given);
        continue;
      }
      if (!isOver && !goesOn) outcomes.set(from, this.#parts[from]!.ignore ? 'ignored' : 'failed');
      for (const [at, outcome] of outcomes) this.#outcomes.set(at, outcome);
      return;
    }
  }

  #play(at: number, pass: number, see: (other: number) => Outcome): Outcome {
    const { inputs, takesSource, ignore, condition, values } = this.#parts[at]!;
    const theirs = inputs.map(see);
    const hasNone = !takesSource && !theirs.includes('succeeded');
    if (theirs.includes('failed') || theirs.includes('skipped')) return ignore ? 'ignored' : 'skipped';
    if (hasNone && theirs.includes('left out')) return 'left out';
    if (condition && !this.#isMet(condition, see)) return 'left out';
    this.#ran.push([at, pass]);
    if (values[(pass - 1) % values.length] !== undefined) return 'succeeded';
    return ignore ? 'ignored' : 'failed';
  }

  #isMet({ of, rest }: NonNullable<Part['condition']>, see: (other: number) => Outcome): boolean {
    const { approves, values } = this.#parts[of]!;
    // A decision has no such field.
    const hasField = see(of) === 'succeeded' && !approves;
    const n = hasField ? values[((this.#passes.get(of) ?? 1) - 1) % values.length] : undefined;
    if (rest === '.n = null') return n === undefined;
    if (n === undefined) return false;
    if (rest === '.n < 2') return n < 2;
    return rest === '.n >= 1' ? n >= 1 : n !== 3;
  }
}

it('a task runs, asks for, repeats and skips what a plain interpreter does, whatever the order of arrivals', async () => {
  const scenario = fc.tuple(graph, fc.infiniteStream(fc.nat(99)));
  await fc.assert(
    fc.asyncProperty(scenario, async ([drawn, picks]) => {
      const { parts, rounds } = soundly(drawn);
      const expected = new Interpreter({ parts, rounds }).run();
      const stage = await Stage.looping(
        rounds.map(({ from, to, until, max, goesOn }) =>
          loop(name(from), name(to), `${name(until.of)}${until.rest}`, max, {
            onMax: goesOn ? 'continue' : 'fail',
          }),
        ),
        ...parts.map(({ inputs, takesSource, ignore, approves, condition }, at) =>
          moduleSpec(name(at), [...(takesSource ? ['source'] : []), ...inputs.map(name)], {
            ...(ignore && { onError: 'ignore' }),
            ...(approves && { approve: { role: 'operator', message: 'go on?' } }),
            ...(condition && { when: expressionOf(`${name(condition.of)}${condition.rest}`) }),
          }),
        ),
      );
      const submitted = await stage.submit();
      const did: string[] = [];
      /** By module and pass, the execution that has put out its value. */
      const gave = new Map<string, string>();
      for (;;) {
        const { open, asked } = stage;
        const due = [...open, ...asked];
        if (due.length === 0) break;
        // It is suspended when nothing but decisions can carry it on.
        expect((await stage.row(submitted)).state === 'suspended').toBe(open.length === 0);
        const module = due[(picks.next().value as number) % due.length]!;
        const { values, approves } = parts[Number(module.slice(1))]!;
        const pass = (await stage.row(submitted)).modules[module]!.pass ?? 1;
        const value = values[(pass - 1) % values.length];
        did.push(`${module} ${pass}`);
        if (!approves) {
          const former = expected.former.get(`${module.slice(1)} ${pass}`) ?? [];
          expect(Object.keys(stage.previous(module)).sort()).toEqual(former.map(name).sort());
          for (const [of, owner] of Object.entries(stage.previous(module)))
            expect(owner).toBe(gave.get(`${of} ${pass - 1}`) ?? `approval/${of}`);
        }
        if (approves) await stage.decides(module, value === undefined ? 'deny' : 'approve');
        else if (value === undefined) await stage.fails(module);
        else {
          gave.set(`${module} ${pass}`, stage.execution(module)!);
          await stage.gives(module, { n: value });
        }
      }
      expect(did.sort()).toEqual(expected.ran.map(([at, pass]) => `${name(at)} ${pass}`).sort());
      const row = await stage.row(submitted);
      const hasFailed = expected.outcomes.includes('failed');
      expect(row.state).toBe(hasFailed ? 'failed' : 'succeeded');
      const skipped = Object.entries(row.modules).filter(([, { phase }]) => phase === 'skipped');
      const isSkipped = (at: number): boolean => {
        const last = row.modules[name(at)]!.pass ?? 1;
        return !expected.ran.some(([module, pass]) => module === at && pass === last);
      };
      expect(skipped.map(([module]) => module).sort()).toEqual(
        parts.flatMap((_, at) => (isSkipped(at) ? [name(at)] : [])),
      );
      expect(await stage.core.faults()).toEqual([]);
    }),
    { numRuns: 100 },
  );
}, 120_000);

it('what is drawn repeats, fails and leaves out, each in many of the graphs', () => {
  const told = fc
    .sample(graph, { seed: 1, numRuns: 500 })
    .map((drawn) => new Interpreter(soundly(drawn)).run());
  const many = (is: (one: Told) => boolean): boolean => told.filter(is).length > 25;
  expect(many(({ outcomes }) => outcomes.includes('failed'))).toBe(true);
  expect(many(({ outcomes }) => outcomes.includes('left out'))).toBe(true);
  expect(many(({ passes }) => passes === 2)).toBe(true);
  expect(many(({ passes }) => passes === 3)).toBe(true);
});
