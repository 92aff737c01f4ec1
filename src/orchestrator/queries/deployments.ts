import type { Open } from '../../contract/answer.js';
import type { DeploymentJson, FailedStepJson, OperationJson, StepJson } from '../../contract/deployment.js';
import {
  type DeploymentPlan,
  isUnderWay,
  type PlannedStep,
  readPlan,
  serviceName,
  stepModule,
} from '../../model/deployment.js';
import { outputsOf } from '../../model/deployment-observed.js';
import { removedComponents } from '../../model/deployment-steps.js';
import { listedDeployment } from '../core/deployments/deployment-view.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import { deploymentFromRow } from '../tables/deployment-row.js';
import { iterationSummary } from '../tables/summary.js';
import { clusters, deployments, iterations } from '../tables/tables.js';
import type { TaskRow } from '../tables/task-row.js';
import { driftOf } from './deployment-drift.js';
import { replicasOf, replicaView } from './deployment-services.js';
import { type Moment, notFound, taskOf } from './moment.js';
import { isRefusal, limitOf, readCursor, writeCursor } from './pages.js';
import { plannedBy } from './planned.js';
import { iterationView, moduleView } from './views.js';

/** By its id. */
export async function deployment(moment: Moment, id: string): Promise<Open<DeploymentJson> | Refusal> {
  const stored = await deployments.get(moment.reader, [id]);
  if (!stored) return notFound('unknown_deployment', `no deployment ${id}`);
  const row = await taskOf(moment, { problemId: id, iterationId: stored.operation_id });
  if (isRefusal(row)) return row;
  const planned = await plannedBy(moment.reader, moment.payloads, row);
  const { plan, observed, services } = planned;
  const replicas = await replicasOf(moment.reader, services);
  const { compiled } = await moment.payloads.graphOf(row);
  const removed = removedComponents(plan.blueprint, observed).map(({ component }) => component);
  const components = [...plan.blueprint.components, ...removed].map(({ name, after, service }) => {
    const { state, cluster = null, attributes } = observed[name]!;
    const called = serviceName(plan, name);
    const own = service && { service: called, replicas: (replicas.get(called) ?? []).map(replicaView) };
    return [name, { state, cluster, after, attributes, ...own }] as const;
  });
  const known = new Set<string>();
  for (const { cluster } of Object.values(observed))
    if (cluster !== undefined && (await clusters.get(moment.reader, [cluster]))) known.add(cluster);
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
    drift: isUnderWay(stored) ? [] : driftOf(planned, replicas, (cluster) => known.has(cluster)),
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
