/** Deployments: what is observed of their components follows from the plan of the newest operation and from what its task has come to. */
import { plainOf } from '../../base/json/json-text.js';
import type { Open } from '../../contract/answer.js';
import type { DeploymentJson, FailedStepJson, OperationJson, StepJson } from '../../contract/deployment.js';
import {
  type DeploymentPlan,
  type ObservedComponents,
  observe,
  outputsOf,
  type PlannedStep,
  readPlan,
  serviceName,
  stepModule,
} from '../../model/deployment.js';
import type { Reader } from '../../store/store.js';
import { deploymentFromRow } from '../core/deployments/deployment-row.js';
import { listedDeployment } from '../core/deployments/deployment-view.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import type { ServiceRow, TaskRow } from '../records.js';
import { iterationSummary } from '../summary.js';
import { deployments, iterations } from '../tables.js';
import { replicasOf, servicesOf } from './deployment-services.js';
import { type Moment, notFound, taskOf } from './moment.js';
import { isRefusal, limitOf, readCursor, writeCursor } from './pages.js';
import type { Payloads } from './payloads.js';
import { iterationView, moduleView } from './views.js';

/** Where an operation stands, with its plan. */
export interface Planned {
  readonly plan: DeploymentPlan;
  readonly observed: ObservedComponents;
  /** Of the deployment, by their names. */
  readonly services: ReadonlyMap<string, ServiceRow>;
}

/** The plan of an operation, and the observed state of the components after it. */
export async function plannedBy(reader: Reader, payloads: Payloads, row: TaskRow): Promise<Planned> {
  const { compiled, yaml } = await payloads.graphOf(row);
  const { plan } = readPlan(yaml)!;
  const outputs = new Map<string, unknown>();
  for (const step of plan.steps) {
    const module = stepModule(step);
    const output = await payloads.moduleOutput(reader, row, module);
    // One that is a blob is as good as unknown: see `docs/deployments.md`.
    if (output?.raw.kind === 'inline') outputs.set(module, plainOf(output.json));
  }
  const services = await servicesOf(reader, row.problem_id, plan);
  const observed = observe(
    plan,
    row.state,
    (module) => ({ state: moduleView(row, compiled, module).state, output: outputs.get(module) }),
    (name) => services.get(name)?.desired,
  );
  return { plan, observed, services };
}

/** By its id. */
export async function deployment(moment: Moment, id: string): Promise<Open<DeploymentJson> | Refusal> {
  const stored = await deployments.get(moment.reader, [id]);
  if (!stored) return notFound('unknown_deployment', `no deployment ${id}`);
  const row = await taskOf(moment, { problemId: id, iterationId: stored.operation_id });
  if (isRefusal(row)) return row;
  const { plan, observed, services } = await plannedBy(moment.reader, moment.payloads, row);
  const replicas = await replicasOf(moment.reader, services);
  const { compiled } = await moment.payloads.graphOf(row);
  const components = plan.blueprint.components.map(({ name, after, service }) => {
    const { state, cluster = null, attributes } = observed[name]!;
    const called = serviceName(plan, name);
    const own = service && { service: called, replicas: replicas.get(called) ?? [] };
    return [name, { state, cluster, after, attributes, ...own }] as const;
  });
  const reasons = [...services.values()].flatMap((one) =>
    one.reasons.map((reason) => `${one.spec.name}: ${reason}`),
  );
  return {
    ...listedDeployment(deploymentFromRow(stored)),
    health: stored.state === 'failed' || reasons.length > 0 ? 'degraded' : 'ok',
    reasons,
    blueprint: plan.blueprint.name,
    inputs: plan.inputs,
    components: Object.fromEntries(components),
    outputs: outputsOf(plan.blueprint, plan.inputs, observed),
    failed: failedIn(plan, (step) => moduleView(row, compiled, stepModule(step)).error?.message),
  };
}

function failedIn(
  { steps }: DeploymentPlan,
  messageOf: (step: PlannedStep) => string | undefined,
): FailedStepJson | null {
  for (const step of steps) {
    const message = messageOf(step);
    if (message !== undefined) return { ...step, cluster: step.cluster ?? null, message };
  }
  return null;
}

/** The oldest first. */
export async function deploymentOperations(
  moment: Moment,
  id: string,
  page: PageRequest,
): Promise<Page<Open<OperationJson>> | Refusal> {
  const after = readCursor(page.cursor);
  if (isRefusal(after)) return after;
  if (!(await deployments.get(moment.reader, [id])))
    return notFound('unknown_deployment', `no deployment ${id}`);
  const limit = limitOf(page);
  const items: Open<OperationJson>[] = [];
  let last = after;
  for await (const { key, row } of iterations.walk(moment.reader, {
    prefix: [id],
    page: limit + 1,
    ...(after && { after }),
  })) {
    if (items.length === limit) return { items, next_cursor: writeCursor(last!) };
    items.push(await operationView(moment, row));
    last = key;
    await moment.slices.rest();
  }
  return { items, next_cursor: null };
}

export async function deploymentOperation(
  moment: Moment,
  id: string,
  operation: number,
): Promise<Open<OperationJson> | Refusal> {
  const stored = await deployments.get(moment.reader, [id]);
  if (!stored) return notFound('unknown_deployment', `no deployment ${id}`);
  const row = await iterations.get(moment.reader, [id, operation]);
  return row
    ? operationView(moment, row)
    : notFound('unknown_operation', `deployment ${stored.name} has no operation ${operation}`);
}

async function operationView({ payloads }: Moment, row: TaskRow): Promise<Open<OperationJson>> {
  const { compiled, yaml } = await payloads.graphOf(row);
  const { plan } = readPlan(yaml)!;
  const { iteration_id, state, task_id, created_at, finished_at, error } = iterationView(
    iterationSummary(row),
  );
  const steps = plan.steps.map((step): StepJson => {
    const module = stepModule(step);
    const view = moduleView(row, compiled, module);
    const { execution_id, waiting_reason, started_at } = view;
    return {
      ...{
        ...step,
        cluster: step.cluster ?? null,
        module,
        state: view.state,
        execution_id,
        waiting_reason,
        error: view.error,
      },
      ...{ started_at, finished_at: view.finished_at },
    };
  });
  return {
    ...{ operation_id: iteration_id, operation: plan.operation, state, task_id },
    ...{ created_at, finished_at, error, steps },
  };
}
