// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Plans of deployments: which steps an operation has, in which order, and what is observed of the components after it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Blueprint,
  type Component,
  type ComponentOperation,
  DEPLOY_OPERATIONS,
  filesOfBlueprint,
  UNDEPLOY_OPERATIONS,
} from '../../src/model/blueprint.js';
import {
  type DeploymentPlan,
  type Direction,
  type ObservedComponents,
  planText,
  readPlan,
  stepModule,
} from '../../src/model/deployment.js';
import { planGraph, planInput } from '../../src/model/deployment-graph.js';
import { observe, outputsOf, type StepOutcome } from '../../src/model/deployment-observed.js';
import { stepsOf } from '../../src/model/deployment-steps.js';

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
const blueprintOf = (...components: readonly Component[]): Blueprint => ({
  ...{ name: 'shop', inputs: {}, components, outputs: {} },
});

const STORE = component('store', {
  operations: {
    create: script('create.sh'),
    start: script('start.sh'),
    stop: script('stop.sh'),
    delete: script('delete.sh'),
  },
});
const WEB = component('web', {
  after: ['store'],
  operations: { start: script('web.sh', { args: ['${store.address}'], inputs: { M: '${inputs.model}' } }) },
  env: { KEY: { secret: 'key' }, OWN: '${web.port}' },
});

const noService = (): undefined => undefined;

function planOf(
  blueprint: Blueprint,
  direction: Direction = 'up',
  before: ObservedComponents = {},
): DeploymentPlan {
  const steps = stepsOf({ blueprint, before: before, direction: direction }, ({ name }) => `on-${name}`);
  const inputs = { model: 'base' };
  return { name: 'shop', blueprint, operation: 'deploy', direction, inputs, before, steps };
}

const modulesOf = (plan: DeploymentPlan) => planGraph('d', plan).modules;
const edgesOf = (plan: DeploymentPlan): Record<string, readonly string[]> =>
  Object.fromEntries(
    modulesOf(plan).map(({ name, inputs }) => [name, inputs.filter((input) => input !== 'deployment')]),
  );

describe('a component that is called as something that every object has', () => {
  it('is planned and observed like any other', () => {
    const blueprint = blueprintOf(component('constructor', { operations: { start: script('start.sh') } }));
    const steps = stepsOf({ blueprint, before: {}, direction: 'up' }, () => 'local');
    expect(steps).toEqual([{ component: 'constructor', operation: 'start', cluster: 'local' }]);
  });
});

describe('a plan', () => {
  it('has a run module for each operation, on the component’s cluster, after what it comes after', () => {
    const plan = planOf(blueprintOf(STORE, WEB));
    expect(edgesOf(plan)).toEqual({
      store_create: [],
      store_start: ['store_create'],
      web_start: ['store_start', 'store_create'],
    });
    expect(modulesOf(plan).map(({ require }) => require.cluster)).toEqual(['on-store', 'on-store', 'on-web']);
    expect(planGraph('d', plan).name).toBe('deployment:d');
  });

  it('turns references into those of a run module: the newest operation that has the attribute counts', () => {
    const [, , web] = modulesOf(planOf(blueprintOf(STORE, WEB)));
    const at = '${store_start.address|store_create.address|deployment.components.store.address}';
    expect(web!.run!.work).toEqual({ kind: 'script', path: 'web.sh', args: [at] });
    expect(web!.run!.env).toEqual({
      KEY: { secret: 'key' },
      OWN: '${deployment.components.web.port}',
      M: '${deployment.inputs.model}',
    });
    expect(web!.run).toMatchObject({
      envReferences: true,
      result: 'attributes',
      files: { 'web.sh': 'web.sh' },
    });
  });

  it('goes the other way down, with what has been begun, and refers to what was there before', () => {
    const done = { done: [], attributes: { address: 'a' }, cluster: 'edge' } as const;
    const before: ObservedComponents = {
      store: { ...done, state: 'deployed', begun: ['create', 'start'] },
      web: { ...done, state: 'failed', begun: ['start'] },
    };
    const web = {
      ...WEB,
      operations: { ...WEB.operations, stop: script('s.sh', { args: ['${store.address}'] }) },
    };
    const plan = planOf(blueprintOf(STORE, web), 'down', before);
    expect(edgesOf(plan)).toEqual({
      web_stop: [],
      store_stop: ['web_stop'],
      store_delete: ['store_stop'],
    });
    expect(modulesOf(plan)[0]!.run!.work).toMatchObject({ args: ['${deployment.components.store.address}'] });
    expect(modulesOf(plan).every(({ require }) => require.cluster === 'edge')).toBe(true);
    expect(planInput(plan)).toEqual({
      inputs: { model: 'base' },
      components: { store: { address: 'a' }, web: { address: 'a' } },
    });
  });

  it('puts components that run together on one cluster, also where one of them is there already', () => {
    const act = { operations: { start: script('a.sh') } };
    const together = { ...act, together: 'machine' };
    const blueprint = blueprintOf(
      ...[component('a', together), component('b', act), component('c', together)],
    );
    const clusters = (before: ObservedComponents): unknown[] =>
      planOf(blueprint, 'up', before).steps.map(({ component: name, cluster }) => [name, cluster]);
    expect(clusters({})).toEqual([
      ['a', 'on-a'],
      ['b', 'on-b'],
      ['c', 'on-a'],
    ]);
    const c = { state: 'deployed', done: [], begun: ['start'], attributes: {}, cluster: 'edge' } as const;
    expect(clusters({ c })).toEqual([
      ['a', 'edge'],
      ['b', 'on-b'],
      ['c', 'edge'],
    ]);
  });

  it('gives each step the attributes that a blueprint begins with, until an operation has written others', () => {
    const store = { ...STORE, attributes: { address: 'unknown', port: 1 } };
    const plan = planOf(blueprintOf(store));
    expect(planInput(plan)).toMatchObject({ components: { store: { address: 'unknown', port: 1 } } });
    const outcomes = new Map([
      ['store_create', { state: 'succeeded', output: { address: 'a' } }],
      ['store_start', { state: 'succeeded' }],
    ] as const);
    const observed = observe(plan, 'succeeded', (name) => outcomes.get(name as 'store_create')!, noService);
    expect(observed.store).toMatchObject({ state: 'deployed', attributes: { address: 'a', port: 1 } });
  });

  it('lays the files of an operation out as the operation has them', () => {
    const files = { 'run.sh': 'lib/run.sh', 'a/b': 'lib/a/b' };
    const plan = planOf(blueprintOf(component('a', { operations: { start: script('run.sh', { files }) } })));
    expect(modulesOf(plan)[0]!.run).toMatchObject({ work: { path: 'run.sh' }, files });
    expect([...filesOfBlueprint(plan.blueprint)]).toEqual([
      ['lib/run.sh', 'components.a.operations.start'],
      ['lib/a/b', 'components.a.operations.start'],
    ]);
  });

  it('stops only what was started', () => {
    const before: ObservedComponents = {
      store: { state: 'failed', done: [], begun: ['create'], attributes: {}, cluster: 'edge' },
    };
    expect(planOf(blueprintOf(STORE), 'down', before).steps.map(stepModule)).toEqual(['store_delete']);
    expect(planOf(blueprintOf(STORE), 'down', {}).steps).toEqual([]);
  });

  it('passes the order on through components without operations', () => {
    const plan = planOf(
      blueprintOf(STORE, component('middle', { after: ['store'] }), { ...WEB, after: ['middle'] }),
    );
    expect(edgesOf(plan).web_start).toContain('store_start');
  });

  it('gives a step the attributes that it refers to, and no others: a chain of many costs no more than its steps', () => {
    const chained = Array.from({ length: 300 }, (_, index) =>
      component(`c${index}`, {
        operations: { create: script('a.sh'), start: script('b.sh') },
        after: index === 0 ? [] : [`c${index - 1}`],
        ...(index === 299 && { env: { FIRST: '${c0.address}' } }),
      }),
    );
    const edges = edgesOf(planOf(blueprintOf(...chained)));
    expect(edges.c299_start).toEqual(['c299_create', 'c0_create', 'c0_start']);
    expect(Object.values(edges).reduce((sum, { length }) => sum + length, 0)).toBeLessThan(610);
  });

  it('is read as it was written', () => {
    const plan = planOf(blueprintOf(STORE, WEB));
    expect(readPlan(planText('d', plan))).toEqual({ deploymentId: 'd', plan });
    expect(readPlan('name: graph\n')).toBeUndefined();
  });
});

describe('what is observed', () => {
  const observed = (outcomes: Record<string, StepOutcome>, task: 'running' | 'failed' | 'succeeded') =>
    observe(
      planOf(blueprintOf(STORE, WEB)),
      task,
      (module) => outcomes[module] ?? { state: 'waiting' },
      noService,
    );

  it('is pending before, deploying on the way, and deployed once every operation has succeeded', () => {
    expect(observed({}, 'running').store).toMatchObject({ state: 'pending', done: [] });
    const created = { store_create: { state: 'succeeded', output: { address: 'a', id: 1 } } } as const;
    expect(observed(created, 'running').store).toEqual({
      ...{ state: 'deploying', cluster: 'on-store', done: ['create'], begun: ['create'] },
      attributes: { address: 'a', id: 1 },
    });
    const started = { ...created, store_start: { state: 'succeeded', output: { id: 2 } } } as const;
    expect(observed(started, 'running')).toMatchObject({
      store: { state: 'deployed', attributes: { address: 'a', id: 2 } },
      web: { state: 'pending' },
    });
  });

  it('is failed where an operation has failed, or was stopped on the way', () => {
    const failed = { store_create: { state: 'failed' } } as const;
    expect(observed(failed, 'failed')).toMatchObject({
      store: { state: 'failed', done: [], begun: ['create'] },
      web: { state: 'pending' },
    });
    const half = { store_create: { state: 'succeeded' }, store_start: { state: 'skipped' } } as const;
    expect(observed(half, 'failed').store).toMatchObject({ state: 'failed', done: ['create'] });
  });
});

describe('the outputs', () => {
  it('are left out where there is no room for them, and cost no more than that', () => {
    const many = Array.from({ length: 20_000 }, () => '${inputs.large}').join('');
    const blueprint = {
      ...blueprintOf(STORE),
      outputs: { small: '${inputs.small}', many, whole: '${inputs.large}', after: '${inputs.small}' },
    };
    const begun = performance.now();
    const outputs = outputsOf(blueprint, { small: 'a', large: 'x'.repeat(60_000) }, {});
    expect(outputs).toEqual({ small: 'a' });
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('have values of their own types, texts where they are put together, and nothing of what is not known', () => {
    const blueprint = {
      ...blueprintOf(STORE),
      outputs: { whole: '${store.list}', text: 'at ${store.list.0}:${inputs.port}', none: '${store.other}' },
    };
    const components: ObservedComponents = {
      store: { state: 'deployed', done: [], begun: [], attributes: { list: [1, 2] } },
    };
    expect(outputsOf(blueprint, { port: 80 }, components)).toEqual({ whole: [1, 2], text: 'at 1:80' });
  });
});

/** Components of which each comes after some of those before it. */
const blueprints = fc
  .array(
    fc.record({
      up: fc.subarray([...DEPLOY_OPERATIONS]),
      down: fc.subarray([...UNDEPLOY_OPERATIONS]),
      after: fc.array(fc.nat(), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((drawn) =>
    blueprintOf(
      ...drawn.map(({ up, down, after }, index) =>
        component(`c${index}`, {
          operations: Object.fromEntries([...up, ...down].map((name) => [name, script(`${name}.sh`)])),
          after: [...new Set(index === 0 ? [] : after.map((at) => `c${at % index}`))],
        }),
      ),
    ),
  );

/** Runs a plan as a graph is run: what has its inputs runs, and `fails` says which of them do not succeed. */
function runPlan(plan: DeploymentPlan, fails: () => boolean, ran: string[]): ObservedComponents {
  const outcomes = new Map<string, StepOutcome>();
  const modules = modulesOf(plan);
  let hasFailed = false;
  for (const { name, inputs } of modules) {
    const isReady = inputs.every(
      (input) => input === 'deployment' || outcomes.get(input)?.state === 'succeeded',
    );
    if (!isReady || hasFailed) continue;
    hasFailed = fails();
    outcomes.set(name, hasFailed ? { state: 'failed' } : { state: 'succeeded', output: { [name]: true } });
    if (!hasFailed) ran.push(name);
  }
  return observe(
    plan,
    hasFailed ? 'failed' : 'succeeded',
    (module) => outcomes.get(module) ?? { state: 'skipped' },
    noService,
  );
}

describe('operations, however often they fail and go on', () => {
  it('succeed with each operation of a component once, in their order, and take down what was brought up', () => {
    fc.assert(
      fc.property(blueprints, fc.infiniteStream(fc.boolean()), (blueprint, luck) => {
        const fails = (): boolean => luck.next().value === true;
        const ran: string[] = [];
        const go = (direction: Direction, before: ObservedComponents): ObservedComponents => {
          let at = before;
          for (let tries = 0; ; tries += 1) {
            const plan = planOf(blueprint, direction, at);
            at = runPlan(plan, tries < 20 ? fails : () => false, ran);
            const end = direction === 'up' ? 'deployed' : 'undeployed';
            if (Object.values(at).every(({ state }) => state === end)) return at;
            expect(tries).toBeLessThan(21);
          }
        };
        const namesOf = (operations: readonly ComponentOperation[]): string[] =>
          blueprint.components.flatMap((one) =>
            operations.flatMap((operation) =>
              one.operations[operation] ? stepModule({ component: one.name, operation }) : [],
            ),
          );
        const up = go('up', {});
        expect([...ran].sort()).toEqual(namesOf(DEPLOY_OPERATIONS).sort());
        for (const { name, after } of blueprint.components) {
          const first = ran.findIndex((module) => module.startsWith(`${name}_`));
          if (first === -1) continue;
          for (const before of after)
            expect(ran.findLastIndex((module) => module.startsWith(`${before}_`))).toBeLessThan(first);
          expect(Object.keys(up[name]!.attributes)).toHaveLength(
            ran.filter((module) => module.startsWith(`${name}_`)).length,
          );
        }
        ran.length = 0;
        go('down', up);
        expect([...ran].sort()).toEqual(namesOf(UNDEPLOY_OPERATIONS).sort());
      }),
    );
  });
});
