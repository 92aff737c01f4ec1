/**
 * Deployments as people ask for them. What an operation is to do is decided here, and stored as a private graph, of which the operation is a task:
 * so it is placed, tried again, stopped, adopted after a restart and shown like any other.
 *
 * O1. One operation of a deployment at a time.
 * O2. An operation is planned by what was observed after the one before. Where another one has begun meanwhile, it is refused.
 */
import type { Component } from '../../../model/blueprint.js';
import {
  type Deployment,
  type DeploymentOperation,
  type DeploymentPlan,
  deploymentGraphName,
  isUnderWay,
  planText,
  serviceName,
} from '../../../model/deployment.js';
import { formerFiles, planGraph } from '../../../model/deployment-graph.js';
import { stepsOf } from '../../../model/deployment-steps.js';
import type { BlobRef } from '../../../model/payload.js';
import type { Problem } from '../../../model/problem.js';
import { compileGraph } from '../../../model/task.js';
import { formatTaskId, type TaskId } from '../../../model/task-id.js';
import type { Answer, Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import { problemFromRow } from '../../tables/problem-row.js';
import { storedProject } from '../../tables/row.js';
import { aboutTask } from '../about.js';
import { emit } from '../emit.js';
import { clusterFor } from '../schedule/fleet.js';
import { createTask, tooManyTasks } from '../tasks/create-task.js';
import { blobsOf } from '../tasks/graph-files.js';
import { problemIn } from '../tasks/problem.js';
import type { PreparedRequest, Turn } from '../turn.js';

type Deploy = Extract<PreparedRequest, { kind: 'deploy' }>;
type Operate = Extract<PreparedRequest, { kind: 'operate_deployment' }>;

const PRIORITY = 50;
const MAX_SERVICE_NAME = 40;

export function deploy(turn: Turn, request: Deploy): Answer {
  const full = tooManyTasks(turn);
  if (full) return full;
  const { name, project, blueprint, inputs } = request;
  const { state } = turn;
  const taken = [...state.deployments.values()].some(
    (one) => one.name === name && one.project === project && one.state !== 'undeployed',
  );
  if (taken) {
    const message = `there is a deployment ${name}: give another name, or undeploy that one`;
    return refusal('conflict', 'name_taken', message, {
      details: [{ path: '/name', code: 'name_taken', message }],
    });
  }
  const files = blobsOf(turn, request.files, 'bad_blueprint');
  if (!files.ok) return files;
  const planned = plan(turn, { name, blueprint, inputs, operation: 'deploy', direction: 'up', before: {} });
  if ('ok' in planned) return planned;
  const problemId = turn.ids.uuid();
  const owner = storedProject(project);
  emit(turn, {
    type: 'problem.created',
    ...{ problem_id: problemId, ...(owner !== undefined && { project: owner }), iteration_id: 1 },
    ...{ graph: deploymentGraphName(problemId), title: name, priority: PRIORITY },
  });
  return begin(turn, request, state.problems.get(problemId)!, { name, plan: planned, files: files.blobs });
}

/** A further operation, on what is observed. */
export function operate(turn: Turn, request: Operate): Answer {
  const full = tooManyTasks(turn);
  if (full) return full;
  const { state } = turn;
  const { deploymentId, asked, operation } = request;
  const deployment = state.deployments.get(deploymentId);
  if (!deployment) return unknownDeployment(deploymentId);
  // O1, O2
  if (isUnderWay(deployment) || deployment.operationId !== request.after) return busy(deployment);
  if (!FROM[operation].includes(deployment.state)) return notInThisState(deployment, operation);
  if (operation === 'update' && deployment.direction === 'down')
    return notInThisState(deployment, operation, 'its last operation took it down: continue that');
  const planned = plan(turn, asked);
  if ('ok' in planned) return planned;
  const row = turn.loaded.problems.get(deploymentId);
  const problem = problemIn(state, turn.journal, deploymentId) ?? (row && problemFromRow(row));
  if (!problem) return unknownDeployment(deploymentId);
  if (!state.problems.has(deploymentId)) state.undo.put(state.problems, deploymentId, problem);
  const given = request.files && blobsOf(turn, request.files, 'bad_blueprint');
  if (given && !given.ok) return given;
  const files = given?.blobs ?? state.graph(problem.graph)?.files ?? {};
  return begin(turn, request, problem, { name: deployment.name, plan: planned, files });
}

/** The task of its newest operation, if that goes on. */
export function cancellable(turn: Turn, deploymentId: string): TaskId | Refusal {
  const deployment = turn.state.deployments.get(deploymentId);
  if (!deployment) return unknownDeployment(deploymentId);
  if (!isUnderWay(deployment)) return notInThisState(deployment, 'cancel');
  return { problemId: deploymentId, iterationId: deployment.operationId };
}

/** Where an operation may begin. */
const FROM: Readonly<Record<DeploymentOperation, readonly Deployment['state'][]>> = {
  deploy: [],
  continue: ['failed'],
  update: ['deployed', 'failed'],
  undeploy: ['deployed', 'failed'],
};

/** Steps on their clusters, or why there is none for one of them. */
function plan(turn: Turn, asked: Omit<DeploymentPlan, 'steps'>): DeploymentPlan | Refusal {
  const { state } = turn;
  let without = tooLong(asked);
  const nowhere = new Set<string>();
  const chosen = (component: Component): string => {
    const { cluster } = component.require;
    if (cluster !== undefined && state.clusters.has(cluster)) return cluster;
    const found = clusterFor(state, component);
    if ('cluster' in found) return found.cluster;
    // Nothing of it has run anywhere: there is nothing to take down, and nowhere to do it.
    if (asked.direction === 'down') {
      nowhere.add(component.name);
      return '';
    }
    const path = `components.${component.name}`;
    without ??= noCluster(path, cluster === undefined ? found.reason : `there is no cluster ${cluster}`);
    return '';
  };
  const steps = stepsOf(asked, chosen).filter(({ component }) => !nowhere.has(component));
  return without ?? { ...asked, steps };
}

/** The service that a component is has a name of its own. */
function tooLong(asked: Omit<DeploymentPlan, 'steps'>): Refusal | undefined {
  const { components } = asked.blueprint;
  for (const { name, service } of components) {
    const called = serviceName(asked, name);
    if (!service || called.length <= MAX_SERVICE_NAME) continue;
    const path = `components.${name}.service`;
    const message = `it would be called ${called}, and at most ${MAX_SERVICE_NAME} characters are possible: give a shorter name`;
    const details = [{ path, code: 'bad_name', message }];
    return refusal('invalid', 'bad_name', `${path}: ${message}`, { details });
  }
  return undefined;
}

function begin(
  turn: Turn,
  request: Deploy | Operate,
  problem: Problem,
  made: {
    readonly name: string;
    readonly plan: DeploymentPlan;
    readonly files: Readonly<Record<string, BlobRef>>;
  },
): Answer {
  const { state } = turn;
  const { types, typesJson } = request;
  const { problemId, graph } = problem;
  const { operation, direction } = made.plan;
  const key = { name: graph, version: (state.graph(graph)?.compiled.key.version ?? 0) + 1 };
  const compiled = compileGraph(key, planGraph(problemId, made.plan));
  const yaml = planText(problemId, made.plan);
  const files = { ...made.files, ...formerFiles(made.plan.before) };
  state.addGraph({ compiled, types, typesJson, yaml, createdAt: turn.wallMs, files });
  emit(turn, {
    ...{
      type: 'graph.stored',
      problem_id: problemId,
      graph,
      graph_version: key.version,
      yaml,
      types: typesJson,
    },
    ...(Object.keys(files).length > 0 && { files }),
  });
  const task = createTask(turn, problem, key, { prepared: request.prepared, from: request });
  emit(turn, { type: 'deployment.started', ...aboutTask(task), deployment: made.name, operation, direction });
  const body = {
    ...{ deployment_id: problemId, operation_id: task.id.iterationId, task_id: formatTaskId(task.id) },
  };
  return { ok: true, kind: 'accepted', body };
}

export function unknownDeployment(which: string): Refusal {
  return refusal('not_found', 'unknown_deployment', `no deployment ${which}`);
}

function busy({ name, operation, operationId }: Deployment): Refusal {
  const message = `${operation} (operation ${operationId}) of deployment ${name} is under way`;
  return refusal('conflict', 'busy', message, { hint: 'wait for it, or cancel it' });
}

function notInThisState({ name, state }: Deployment, operation: string, hint?: string): Refusal {
  const message = `deployment ${name} is ${state}: it cannot ${operation}`;
  return refusal('conflict', 'not_in_this_state', message, hint === undefined ? {} : { hint });
}

function noCluster(path: string, reason: string): Refusal {
  return refusal('invalid', 'no_cluster', `${path}: ${reason}`, {
    details: [{ path, code: 'no_cluster', message: reason }],
  });
}
