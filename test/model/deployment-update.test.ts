// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Updates of deployments: what is replaced, in which order, and what is observed after an update that did not come to its end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsBy } from '../../src/base/expression/expression.js';
import { type Blueprint, type Component, INPUTS_NAME, valueAt } from '../../src/model/blueprint.js';
import type { DeploymentPlan, ObservedComponents } from '../../src/model/deployment.js';
import { stepModule } from '../../src/model/deployment.js';
import { beforeUpdate, changesTo, type Given, withReferences } from '../../src/model/deployment-changes.js';
import { formerFiles, planGraph, planInput } from '../../src/model/deployment-graph.js';
import { observe, type StepOutcome } from '../../src/model/deployment-observed.js';
import { stepsOf } from '../../src/model/deployment-steps.js';
import type { ServiceSpec } from '../../src/model/service.js';

const script = (path: string, more: object = {}) => ({ script: path, args: [], inputs: {}, ...more });
const component = (name: string, more: Partial<Component> = {}): Component => ({
  ...{
    name,
    require: {},
    resources: { cpus: 1 },
    operations: {},
    env: {},
    files: [],
    after: [],
    attempts: 1,
  },
  ...more,
});
const OPERATIONS = { create: script('create.sh'), start: script('start.sh'), stop: script('stop.sh') };
const STORE = component('store', { operations: OPERATIONS });
const WEB = component('web', {
  after: ['store'],
  operations: { start: script('web.sh', { args: ['${store.address}'] }), stop: script('web-stop.sh') },
});

const blob = (sha256: string) => ({ sha256, size: 1 });
/** Every script has its own path as its content, unless another is given. */
function given(
  components: readonly Component[],
  more: Partial<Given> & { changed?: Record<string, string> } = {},
): Given {
  const { changed = {}, ...rest } = more;
  const paths = components.flatMap(({ operations }) => Object.values(operations).map((one) => one.script));
  const blueprint: Blueprint = { name: 'shop', inputs: {}, components, outputs: {} };
  const files = Object.fromEntries(paths.map((path) => [path, blob(changed[path] ?? path)]));
  return { blueprint, inputs: {}, files, ...rest };
}

type Outputs = Readonly<Record<string, unknown>>;
interface World {
  readonly is: Given;
  readonly observed: ObservedComponents;
}

const ATTRIBUTES: Outputs = { store_start: { address: 'a' } };
const noService = (): undefined => undefined;

/** Runs a plan as a scheduler would; a step of `fails` fails, and what comes after it is skipped. */
function run(plan: DeploymentPlan, outputs: Outputs, fails: ReadonlySet<string> = new Set()) {
  const { modules } = planGraph('d', plan);
  const input = planInput(plan);
  for (const [index, { name, inputs }] of modules.entries())
    for (const one of inputs)
      if (one !== 'deployment' && !modules.slice(0, index).some((before) => before.name === one))
        throw new Error(`${name} stands before ${one}, which is an input of it`);
  const outcomes = new Map<string, StepOutcome & { readonly byCondition?: true }>();
  const order: string[] = [];
  const left = [...modules];
  while (left.length > 0) {
    const index = left.findIndex(({ inputs }) =>
      inputs.every((name) => name === 'deployment' || outcomes.has(name)),
    );
    if (index < 0) throw new Error(`a circle of ${left.map(({ name }) => name).join(', ')}`);
    const [module] = left.splice(index, 1) as [(typeof modules)[number]];
    const { name, inputs, when } = module;
    const before = inputs.map((one) => outcomes.get(one)).filter((one) => one !== undefined);
    const value = (field: string): unknown => {
      const [owner = '', ...path] = field.split('.');
      return valueAt(owner === 'deployment' ? input : outcomes.get(owner)?.output, path);
    };
    if (before.some(({ state, byCondition }) => state !== 'succeeded' && !byCondition))
      outcomes.set(name, { state: 'skipped' });
    else if (
      when &&
      !holdsBy(when.expression, ({ field, value: wanted }) => (value(field) ?? null) === wanted)
    )
      outcomes.set(name, { state: 'skipped', byCondition: true });
    else {
      order.push(name);
      outcomes.set(
        name,
        fails.has(name) ? { state: 'failed' } : { state: 'succeeded', output: outputs[name] ?? {} },
      );
    }
  }
  const task = [...outcomes.values()].some(({ state }) => state === 'failed') ? 'failed' : 'succeeded';
  return {
    order,
    task,
    observed: observe(plan, task, (module) => outcomes.get(module)!, noService),
  } as const;
}

function planOf(
  target: Given,
  before: ObservedComponents,
  operation: DeploymentPlan['operation'],
): DeploymentPlan {
  const direction = operation === 'undeploy' ? 'down' : 'up';
  const asked = {
    blueprint: target.blueprint,
    inputs: target.inputs,
    operation,
    direction,
    name: 'shop',
  } as const;
  const known = direction === 'up' ? withReferences(target, before) : { before, conditional: {} };
  return { ...asked, ...known, steps: stepsOf({ ...asked, ...known }, () => 'local') };
}

function deployed(is: Given, outputs: Outputs = ATTRIBUTES): World {
  return { is, observed: run(planOf(is, {}, 'deploy'), outputs).observed };
}

const updateOf = ({ is, observed }: World, target: Given): DeploymentPlan =>
  planOf(target, beforeUpdate(is, observed, target), 'update');

describe('what an update would do', () => {
  const world = deployed(given([STORE, WEB]));
  const changes = (target: Given) => changesTo(world.is, world.observed, target);

  it('is nothing where the blueprint is the same, or only the order, the attempts or the deadline are others', () => {
    const nothing = { added: [], removed: [], changed: [], may_change: [] };
    expect(changes(given([STORE, WEB]))).toEqual(nothing);
    expect(changes(given([{ ...STORE, attempts: 3 }, WEB]))).toEqual(nothing);
    expect(updateOf(world, given([STORE, WEB])).steps).toEqual([]);
  });

  it('names the fields of what has changed, and what refers to it', () => {
    const target = given([{ ...STORE, env: { A: 'b' } }, WEB], { changed: { 'start.sh': 'other' } });
    expect(changes(target)).toEqual({
      ...{ added: [], removed: [] },
      changed: [{ name: 'store', fields: ['env.A', 'files.start.sh'] }],
      may_change: [{ name: 'web', fields: ['store.address'] }],
    });
  });

  it('names what is added and what is removed', () => {
    const cache = component('cache', { operations: { start: script('cache.sh') } });
    expect(changes(given([STORE, cache]))).toMatchObject({ added: ['cache'], removed: ['web'], changed: [] });
  });

  it('counts an input where a component refers to it, and no other', () => {
    const ofInput = { ...STORE, env: { M: '${inputs.model}' } };
    const one = deployed(given([ofInput, WEB], { inputs: { model: 'a', other: 1 } }));
    const target = given([ofInput, WEB], { inputs: { model: 'b', other: 2 } });
    expect(changesTo(one.is, one.observed, target).changed).toEqual([
      { name: 'store', fields: ['inputs.model'] },
    ]);
  });

  it('says of a service what of it changes, and that its replicas are renewed without being taken down', () => {
    const spec = {
      ...{ type: 'service', count: 2, require: {}, restart: { backoffMs: 1, maxBackoffMs: 2 } },
      run: {
        ...{ work: { kind: 'command', argv: ['node', 'a.js'] }, env: {}, files: {}, resources: { cpus: 1 } },
        ...{ result: 'none', keep: 'never', retryExitCodes: undefined },
      },
    } as const satisfies Omit<ServiceSpec, 'name'>;
    const before = given([component('web', { service: { spec, withinMs: 1000 } })]);
    const target = given([component('web', { service: { spec: { ...spec, count: 3 }, withinMs: 5000 } })]);
    const observed: ObservedComponents = {
      web: { state: 'deployed', done: ['start'], begun: ['start'], attributes: {} },
    };
    expect(changesTo(before, observed, target).changed).toEqual([{ name: 'web', fields: ['service.count'] }]);
    const plan = updateOf({ is: before, observed }, target);
    expect(planGraph('d', plan).modules.map(({ name, serve }) => [name, serve?.action])).toEqual([
      ['web_start', 'apply'],
    ]);
  });
});

describe('an update', () => {
  const world = deployed(given([STORE, WEB]));

  it('takes down what has changed as what it was, and brings it up as what it is to be', () => {
    const target = given([{ ...STORE, env: { A: 'b' } }, WEB], { changed: { 'stop.sh': 'other' } });
    const plan = updateOf(world, target);
    const modules = new Map(planGraph('d', plan).modules.map((module) => [module.name, module]));
    expect(modules.get('store_stop')!.run).toMatchObject({
      ...{ env: {}, files: { 'stop.sh': '/former/stop.sh' } },
    });
    expect(modules.get('store_start')!.run).toMatchObject({
      env: { A: 'b' },
      files: { 'start.sh': 'start.sh' },
    });
    expect(formerFiles(plan.before)['/former/stop.sh']).toEqual(blob('stop.sh'));
    expect(modules.get('store_create')!.inputs).toEqual(['deployment', 'store_stop']);
  });

  it('leaves what refers to it alone while the attribute stays, and replaces it where that changes', () => {
    const target = given([{ ...STORE, env: { A: 'b' } }, WEB]);
    const same = run(updateOf(world, target), ATTRIBUTES);
    expect(same.order).toEqual(['store_stop', 'store_create', 'store_start']);
    expect(same.observed.web).toEqual(world.observed.web);
    const moved = run(updateOf(world, target), { store_start: { address: 'b' } });
    expect(moved.order).toEqual([
      ...['store_stop', 'store_create', 'store_start'],
      ...['web_stop', 'web_start'],
    ]);
    expect(moved.observed.web).toMatchObject({ state: 'deployed', done: ['start'] });
    expect(moved.observed.web!.given).not.toEqual(world.observed.web!.given);
  });

  it('takes down what is removed, after what came after it', () => {
    const plan = updateOf(world, given([component('other', { operations: { start: script('o.sh') } })]));
    const { order, observed } = run(plan, {});
    expect(order).toEqual(['web_stop', 'store_stop', 'other_start']);
    expect(Object.keys(observed)).toEqual(['other']);
  });

  it('goes on where it failed: what has been taken down or brought up is not done again', () => {
    const target = given([{ ...STORE, env: { A: 'b' } }, WEB]);
    const failed = run(updateOf(world, target), ATTRIBUTES, new Set(['store_create']));
    expect(failed.observed.store).toMatchObject({ state: 'failed', begun: ['create'], done: [] });
    const next = planOf(target, failed.observed, 'continue');
    expect(next.steps.map(stepModule)).toEqual(['store_create', 'store_start', 'web_stop', 'web_start']);
    const ended = run(next, ATTRIBUTES);
    expect(ended.order).toEqual(['store_create', 'store_start']);
    expect(ended.observed.web).toEqual(world.observed.web);
  });

  it('undeploys what is there after it stopped half way', () => {
    const target = given([{ ...STORE, operations: { ...OPERATIONS, stop: script('other-stop.sh') } }]);
    const failed = run(updateOf(world, target), {}, new Set(['store_stop']));
    expect(failed.observed.store).toMatchObject({ state: 'failed' });
    const down = planOf(target, failed.observed, 'undeploy');
    expect(down.steps.map(stepModule)).toEqual(['store_stop']);
    expect(planGraph('d', down).modules[0]!.run!.work).toMatchObject({ path: 'stop.sh' });
  });

  it('chooses a cluster for taking down what has run on none', () => {
    const only = given([component('only', { operations: { stop: script('stop.sh') } })]);
    const { observed } = deployed(only);
    expect(observed.only).toMatchObject({ state: 'deployed', begun: [] });
    expect(planOf(only, observed, 'undeploy').steps).toEqual([
      { component: 'only', operation: 'stop', cluster: 'local' },
    ]);
  });

  it('can be taken back before it has touched anything', () => {
    const target = given([{ ...STORE, env: { A: 'b' } }, WEB]);
    const failed = run(updateOf(world, target), ATTRIBUTES, new Set(['store_stop']));
    const stillThere = {
      ...failed.observed,
      store: { ...failed.observed.store!, done: ['create', 'start'] as const },
    };
    const back = updateOf({ is: target, observed: stillThere }, world.is);
    expect(back.steps).toEqual([]);
  });

  it('ends as if the new blueprint had been deployed, wherever it fails and is continued', () => {
    const names = ['a', 'b', 'c', 'd'];
    const components = fc
      .tuple(
        fc.subarray(names, { minLength: 1 }),
        fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 2 })), {
          minLength: 4,
          maxLength: 4,
        }),
      )
      .map(([chosen, ways]) =>
        chosen.map((name, index) => {
          const [isAfter, refers, version] = ways[index]!;
          const last = chosen[index - 1];
          const after = last !== undefined && (isAfter || refers) ? [last] : [];
          const args = last !== undefined && refers ? [`\${${last}.v}`] : [];
          const env = { V: `${version}` };
          return component(name, {
            after,
            env,
            operations: { ...OPERATIONS, start: script('start.sh', { args }) },
          });
        }),
      );
    fc.assert(
      fc.property(
        components,
        components,
        fc.array(fc.nat(), { maxLength: 4 }),
        fc.nat(3),
        (was, next, failures, kind) => {
          const outputs = (version: number): Outputs =>
            Object.fromEntries(names.map((name) => [`${name}_start`, { v: version }]));
          const world = deployed(given(was), outputs(0));
          const target = given(next);
          let plan = updateOf(world, target);
          let { order, observed, task } = run(plan, outputs(kind === 0 ? 0 : 1), failing(plan, failures));
          for (let round = 1; task === 'failed'; round += 1) {
            plan = planOf(target, observed, 'continue');
            ({ order, observed, task } = run(
              plan,
              outputs(kind === 0 ? 0 : 1),
              failing(plan, failures.slice(round)),
            ));
          }
          expect(new Set(order).size).toBe(order.length);
          expect(Object.keys(observed).sort()).toEqual(next.map(({ name }) => name).sort());
          for (const one of Object.values(observed)) {
            expect(one).toMatchObject({ state: 'deployed', done: ['create', 'start'] });
            expect(one.former).toBeUndefined();
          }
          expect(changesTo(target, observed, target)).toEqual({
            added: [],
            removed: [],
            changed: [],
            may_change: [],
          });
          expect(updateOf({ is: target, observed }, target).steps).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function failing({ steps }: DeploymentPlan, choices: readonly number[]): Set<string> {
  const [choice] = choices;
  return new Set(
    choice === undefined || steps.length === 0 ? [] : [stepModule(steps[choice % steps.length]!)],
  );
}

it('the name of the inputs is not that of a component', () => {
  expect(INPUTS_NAME).toBe('inputs');
});
