/** How a deployment and its components stand: what the API says of them, the task of the newest operation, and their services, brought together. */
import type {
  ComponentJson,
  DeploymentJson,
  OperationJson,
  StepJson,
} from '../../../../src/contract/deployment.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { hasEnded } from '../../../../src/model/execution.js';
import { upOf } from '../services/standing.js';
import type { Shape } from '../task/layout.js';

/** Components, each after those that it names. */
export function shapeOf({ name, components }: DeploymentJson): Shape {
  const modules = Object.entries(components).map(([component, { after }]) => [component, { inputs: after }]);
  return { name, modules: Object.fromEntries(modules) };
}

/** One that has the name of something that every object has, like `constructor`, is found only where it is there. */
export function componentOf(
  { components }: Pick<DeploymentJson, 'components'>,
  name: string | undefined,
): ComponentJson | undefined {
  return name !== undefined && Object.hasOwn(components, name) ? components[name] : undefined;
}

/** The operations with the newest one as its task is now. `task`: of any of them. */
export function withTask(
  operations: readonly OperationJson[],
  task: TaskJson | undefined,
): readonly OperationJson[] {
  const index = operations.findIndex(({ operation_id }) => operation_id === task?.iteration_id);
  const operation = operations[index];
  if (operation === undefined || task === undefined) return operations;
  const steps = operation.steps.map((step): StepJson => {
    const module = task.modules[step.module];
    if (module === undefined) return step;
    const { state, execution_id, waiting_reason, error, started_at, finished_at } = module;
    return { ...step, state, execution_id, waiting_reason, error, started_at, finished_at };
  });
  const { state, finished_at, error } = task;
  // Events do not say when a task has ended; the operation, which is read again then, does.
  const ended = finished_at ?? operation.finished_at;
  return operations.with(index, { ...operation, state, finished_at: ended, error, steps });
}

/** What was last done to a component: its steps in the newest operation that had some. */
export interface LastSteps {
  readonly operation: OperationJson;
  readonly steps: readonly StepJson[];
}

export function lastStepsOf(operations: readonly OperationJson[], component: string): LastSteps | undefined {
  for (const operation of [...operations].reverse()) {
    const steps = operation.steps.filter((step) => step.component === component);
    if (steps.length > 0) return { operation, steps };
  }
  return undefined;
}

/** The one that runs, or is the next to run, as long as the operation goes on. */
export function stepNow(steps: readonly StepJson[]): StepJson | undefined {
  return steps.find(({ state }) => !isOver(state));
}

/** From the beginning of the first step to the end of the last; nothing before the first has begun. */
export function spanOf(
  steps: readonly StepJson[],
): { readonly since: string; readonly until: string | null } | undefined {
  const since = steps.flatMap(({ started_at }) => started_at ?? []).sort()[0];
  if (since === undefined) return undefined;
  const begun = steps.filter(({ started_at }) => started_at !== null);
  const ends = begun.flatMap(({ finished_at }) => finished_at ?? []).sort();
  return { since, until: ends.length < begun.length ? null : (ends.at(-1) ?? null) };
}

function isOver(state: StepJson['state']): boolean {
  return state !== 'waiting' && (state === 'skipped' || state === 'reused' || hasEnded(state));
}

/** The service that a component is. */
export function serviceOf(
  { service }: ComponentJson,
  deploymentId: string,
  services: readonly ServiceJson[],
): ServiceJson | undefined {
  return services.find(({ name, deployment_id }) => name === service && deployment_id === deploymentId);
}

/** `2 of 3 up`. */
export function upWords(service: ServiceJson): string {
  const { up, wanted } = upOf(service);
  return wanted === 0 ? `${up} left` : `${up} of ${wanted} up`;
}

/** Where a component is, each cluster once. */
export function clustersOf({ cluster, replicas = [] }: ComponentJson): readonly string[] {
  if (cluster !== null) return [cluster];
  return [...new Set(replicas.flatMap((replica) => replica.cluster ?? []))].sort();
}

/** Where it is degraded, that is said beside its state. */
export function standingWords(state: DeploymentJson['state'], health: 'ok' | 'degraded'): string {
  return state === 'deployed' && health === 'degraded' ? 'deployed, degraded' : state;
}
