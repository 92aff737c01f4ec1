// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Components that are services: their steps, what is observed of them, and the values of their references. */
import { describe, expect, it } from 'vitest';
import type { Blueprint, Component } from '../../src/model/blueprint.js';
import type {
  DeploymentPlan,
  Direction,
  ObservedComponent,
  ObservedComponents,
} from '../../src/model/deployment.js';
import { planGraph } from '../../src/model/deployment-graph.js';
import { observe } from '../../src/model/deployment-observed.js';
import { resolveService } from '../../src/model/deployment-service.js';
import { stepsOf } from '../../src/model/deployment-steps.js';
import type { ModuleState } from '../../src/model/execution.js';
import type { ServiceDesire } from '../../src/model/service.js';
import type { TaskState } from '../../src/model/task-state.js';

const BARE = { require: {}, resources: { cpus: 1 }, operations: {}, env: {}, files: [], attempts: 1 };
const STORE: Component = {
  ...{ ...BARE, name: 'store', after: [] },
  operations: { create: { script: 'a.sh', args: [], inputs: {} } },
};
const webWith = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Component => ({
  ...{ ...BARE, name: 'web', after: ['store'] },
  service: {
    withinMs: 5000,
    spec: {
      ...{ type: 'service', count: 2, require: {}, restart: { backoffMs: 1, maxBackoffMs: 1 } },
      run: {
        ...{ work: { kind: 'command', argv }, resources: { cpus: 1 }, env, files: {} },
        ...{ result: 'none', keep: 'never', retryExitCodes: undefined },
      },
    },
  },
});

function planOf(
  web: Component = webWith(['web']),
  direction: Direction = 'up',
  before: ObservedComponents = {},
): DeploymentPlan {
  const blueprint: Blueprint = { name: 'b', inputs: {}, components: [STORE, web], outputs: {} };
  const steps = stepsOf({ blueprint, before, direction }, () => 'lab');
  const inputs = { model: 'large', words: ['${x}'] };
  return { name: 'shop', blueprint, operation: 'deploy', direction, inputs, before, steps };
}

const serving = (plan: DeploymentPlan) =>
  planGraph('d', plan).modules.map(({ name, inputs, run, serve }) => [
    name,
    inputs,
    run ? 'run' : serve?.action,
    serve?.service,
  ]);
const UP: ObservedComponent = { state: 'deployed', done: ['start'], begun: ['start'], attributes: {} };
const CREATED: ObservedComponent = { state: 'deployed', done: ['create'], begun: ['create'], attributes: {} };

describe('the steps of a service', () => {
  it('apply it after what it comes after, and remove it before that', () => {
    expect(serving(planOf())).toEqual([
      ['store_create', ['deployment'], 'run', undefined],
      ['web_start', ['deployment', 'store_create'], 'apply', 'shop-web'],
    ]);
    expect(serving(planOf(undefined, 'down', { store: CREATED, web: UP }))).toEqual([
      ['web_stop', ['deployment'], 'remove', 'shop-web'],
    ]);
    expect(serving(planOf(undefined, 'up', { store: CREATED, web: UP }))).toEqual([]);
  });
});

describe('what is observed of a service', () => {
  const seen = (
    state: ModuleState,
    task: TaskState,
    desire: ServiceDesire | undefined,
    plan: DeploymentPlan = planOf(),
  ): ObservedComponent['state'] =>
    observe(
      plan,
      task,
      () => ({ state }),
      () => desire,
    ).web!.state;
  const down = planOf(undefined, 'down', { store: CREATED, web: UP });

  it.each([
    ['waiting', 'running', undefined, 'pending'],
    ['waiting', 'running', 'running', 'deploying'],
    ['succeeded', 'running', 'running', 'deployed'],
    ['failed', 'failed', 'running', 'failed'],
    ['failed', 'failed', undefined, 'failed'],
    ['skipped', 'cancelled', 'running', 'failed'],
    ['skipped', 'failed', undefined, 'pending'],
  ] as const)('is, up, with its step %s in a task that is %s and a service that is %s: %s', (...given) => {
    const [state, task, desire, component] = given;
    expect(seen(state, task, desire)).toBe(component);
  });

  it.each([
    ['waiting', 'running', 'running', 'deployed'],
    ['waiting', 'running', 'removed', 'undeploying'],
    ['skipped', 'cancelled', 'removed', 'failed'],
    ['failed', 'failed', 'removed', 'failed'],
    ['succeeded', 'succeeded', undefined, 'undeployed'],
  ] as const)('is, down, with its step %s in a task that is %s and a service that is %s: %s', (...given) => {
    const [state, task, desire, component] = given;
    expect(seen(state, task, desire, down)).toBe(component);
  });

  it('is to be applied again where it is no longer there', () => {
    const plan = planOf(undefined, 'up', { store: CREATED, web: UP });
    const observed = observe(
      plan,
      'succeeded',
      () => ({ state: 'succeeded' }),
      () => undefined,
    );
    expect(stepsOf({ blueprint: plan.blueprint, before: observed, direction: 'up' }, () => 'lab')).toEqual([
      { component: 'web', operation: 'start' },
    ]);
  });
});

describe('the values of its references', () => {
  const resolve = (plan: DeploymentPlan, output?: unknown) =>
    resolveService('d', plan, 'web', new Map(output === undefined ? [] : [['store_create', output]]));

  it('are those of the inputs, of this operation, and of what was there before; those to the replica stay', () => {
    const web = webWith(['web', '${inputs.model}-${replica.number}', '${store.a.b}'], {
      A: '${store.old}${store.a}',
    });
    const before = { store: { ...CREATED, attributes: { old: 1, a: 'gone' } } };
    const plan = { ...planOf(web), before };
    expect(resolve(plan, { a: { b: 2 } })).toMatchObject({
      ok: true,
      spec: {
        ...{ name: 'shop-web', deployment: 'd', count: 2 },
        run: { work: { argv: ['web', 'large-${replica.number}', '2'] }, env: { A: '1{"b":2}' } },
      },
    });
  });

  it('are missing, or cannot stand in a word', () => {
    const web = webWith(['${store.a}', '${inputs.words}'], { A: '${inputs.words}' });
    const resolved = resolve(planOf(web), {});
    expect(resolved).toMatchObject({ ok: false });
    expect('message' in resolved && resolved.message).toMatch(
      /^\$\{store\.a\}: there is no a in store; \$\{inputs\.words\}: the value holds \$\{, /,
    );
  });
});
