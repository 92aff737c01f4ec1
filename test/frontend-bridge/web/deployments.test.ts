import { describe, expect, it } from 'vitest';
import {
  clustersOf,
  componentOf,
  lastStepsOf,
  serviceOf,
  shapeOf,
  spanOf,
  stepNow,
  upWords,
  withTask,
} from '../../../frontend-bridge/web/src/deployments/standing.js';
import { reduce } from '../../../frontend-bridge/web/src/state/reducer.js';
import type { View } from '../../../frontend-bridge/web/src/state/views.js';
import { inOrder, layOut } from '../../../frontend-bridge/web/src/task/layout.js';
import type {
  ComponentJson,
  DeploymentJson,
  OperationJson,
  StepJson,
} from '../../../src/contract/deployment.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { TaskJson } from '../../../src/contract/iteration.js';
import type { ServiceJson } from '../../../src/contract/service.js';
import type { ComponentOperation } from '../../../src/model/blueprint.js';

const AT = '2026-01-01T00:00:00Z';
const D = 'a-deployment';

function component(more: Partial<ComponentJson> = {}): ComponentJson {
  return { state: 'deployed', cluster: null, after: [], attributes: {}, ...more };
}

function deployment(components: DeploymentJson['components']): DeploymentJson {
  return {
    ...{ deployment_id: D, name: 'shop', project: 'default', state: 'deployed', operation_id: 1 },
    ...{
      version: 1,
      drift: [],
      operation: 'deploy',
      task_id: `${D}/1`,
      message: null,
      created_at: AT,
      updated_at: AT,
    },
    ...{ health: 'ok', reasons: [], blueprint: 'shop', inputs: {}, components, outputs: {}, failed: null },
  };
}

function step(name: string, operation: ComponentOperation, more: Partial<StepJson> = {}): StepJson {
  return {
    ...{ component: name, operation, cluster: 'local', module: `${name}_${operation}`, state: 'waiting' },
    ...{ execution_id: null, waiting_reason: null, error: null, started_at: null, finished_at: null },
    ...more,
  };
}

function operation(id: number, steps: readonly StepJson[]): OperationJson {
  return {
    ...{ operation_id: id, operation: 'deploy', state: 'running', task_id: `${D}/${id}` },
    ...{ created_at: AT, finished_at: null, error: null, steps },
  };
}

function event(type: EventJson['type'], more: Partial<EventJson> = {}): EventJson {
  return { seq: 1, at: AT, type, ...more };
}

describe('the components of a deployment', () => {
  const shop = deployment({
    web: component({ after: ['store', 'constructor'] }),
    store: component(),
    constructor: component({ after: ['store'] }),
  });

  it('are laid out as a graph without a source, each after those that it names', () => {
    const shape = shapeOf(shop);
    expect(inOrder(shape)).toEqual(['store', 'constructor', 'web']);
    const { places, edges } = layOut(shape);
    expect(places.map(({ name }) => name)).toEqual(['store', 'constructor', 'web']);
    expect(edges.map(({ from, to }) => `${from} ${to}`).sort()).toEqual([
      'constructor web',
      'store constructor',
      'store web',
    ]);
  });

  it('are found by their names only, whatever every object has', () => {
    expect(componentOf(shop, 'constructor')?.after).toEqual(['store']);
    expect(componentOf(shop, 'toString')).toBeUndefined();
    expect(componentOf(shop, undefined)).toBeUndefined();
  });

  it('are where their cluster is, or the clusters of their replicas', () => {
    const replica = { observed: 'running', restarts: 0, reason: null } as const;
    const replicas = ['hpc', 'edge', 'hpc', null].map((cluster, index) => ({
      ...{ replica_id: `web-${index}`, cluster },
      ...replica,
    }));
    expect(clustersOf(component({ cluster: 'lab' }))).toEqual(['lab']);
    expect(clustersOf(component({ replicas }))).toEqual(['edge', 'hpc']);
    expect(clustersOf(component())).toEqual([]);
  });

  it('have a service of their own deployment only', () => {
    const service = {
      ...{ name: 'shop-web', type: 'service', count: 2, module: null, desired: 'running', generation: 1 },
      ...{ deployment_id: D, health: 'ok', reasons: [], replicas: [] },
    } as const satisfies ServiceJson;
    const web = component({ service: 'shop-web' });
    expect(serviceOf(web, D, [service])).toBe(service);
    expect(serviceOf(web, 'another', [service])).toBeUndefined();
    expect(serviceOf(component(), D, [service])).toBeUndefined();
    expect(upWords(service)).toBe('0 of 2 up');
    expect(upWords({ ...service, desired: 'removed' })).toBe('0 left');
  });
});

describe('the steps of a deployment', () => {
  it('are as the task of their operation is now', () => {
    const module = { state: 'running', execution_id: 'e', waiting_reason: null, error: null };
    const task = {
      ...{ problem_id: D, iteration_id: 2, state: 'running', error: null },
      modules: { web_start: { ...module, started_at: AT, finished_at: null } },
    } as unknown as TaskJson;
    const [first, second] = [operation(1, [step('web', 'start')]), operation(2, [step('web', 'start')])];
    const [before, now] = withTask([first, second], task);
    expect(before).toBe(first);
    expect(now?.steps[0]).toMatchObject({ state: 'running', execution_id: 'e', started_at: AT });
    const over = { ...second, finished_at: AT };
    expect(withTask([over], task)[0]?.finished_at).toBe(AT);
    expect(withTask([first], task)).toEqual([first]);
    expect(withTask([first], undefined)).toEqual([first]);
  });

  it('come from the newest operation that had some for their component', () => {
    const operations = [operation(1, [step('store', 'start')]), operation(2, [step('web', 'start')])];
    expect(lastStepsOf(operations, 'store')?.operation.operation_id).toBe(1);
    expect(lastStepsOf(operations, 'web')?.operation.operation_id).toBe(2);
    expect(lastStepsOf(operations, 'queue')).toBeUndefined();
  });

  it('take from the beginning of the first to the end of the last', () => {
    const at = (second: number): string => `2026-01-01T00:00:0${second}Z`;
    const created = step('web', 'create', { state: 'succeeded', started_at: at(1), finished_at: at(2) });
    const started = step('web', 'start', { state: 'failed', started_at: at(3), finished_at: at(4) });
    expect(spanOf([created, started])).toEqual({ since: at(1), until: at(4) });
    expect(spanOf([created, { ...started, finished_at: null }])).toEqual({ since: at(1), until: null });
    expect(spanOf([created, step('web', 'start')])).toEqual({ since: at(1), until: at(2) });
    expect(spanOf([step('web', 'start')])).toBeUndefined();
    expect(stepNow([created, step('web', 'start')])?.operation).toBe('start');
    expect(stepNow([created, started])).toBeUndefined();
  });
});

describe('the views of deployments', () => {
  const list: View = { kind: 'deployments', items: [] };
  const components = { web: component({ service: 'shop-web' }) };
  const one: View = { kind: 'deployment', deployment: deployment(components) };
  const operations: View = { kind: 'operations', deployment_id: D, items: [] };
  const readsAgain = (view: View, heard: EventJson): boolean => !reduce(view, heard).complete;

  it('are read again when an operation begins or ends', () => {
    const own = event('deployment.failed', { problem_id: D, iteration_id: 1 });
    expect([list, one, operations].map((view) => readsAgain(view, own))).toEqual([true, true, true]);
    const others = event('deployment.started', { problem_id: 'another', iteration_id: 1 });
    expect([list, one, operations].map((view) => readsAgain(view, others))).toEqual([true, false, false]);
  });

  it('follow the steps of a deployment, not what they say', () => {
    const of = { problem_id: D, iteration_id: 1, module: 'web_start' };
    expect(readsAgain(one, event('execution.running', of))).toBe(true);
    expect(readsAgain(one, event('module.served', of))).toBe(true);
    for (const type of ['execution.log', 'execution.progress', 'execution.command'] as const)
      expect(readsAgain(one, event(type, of))).toBe(false);
    expect(readsAgain(one, event('execution.running', { ...of, problem_id: 'another' }))).toBe(false);
    expect(readsAgain(operations, event('execution.running', of))).toBe(false);
  });

  it('follow the replicas of their services', () => {
    expect(readsAgain(one, event('replica.ready', { service: 'shop-web' }))).toBe(true);
    expect(readsAgain(one, event('replica.ready', { service: 'other-web' }))).toBe(false);
  });
});
