/** The fields by which facts say what they are about. */
import { type Execution, moduleName, passOf, type Task } from '../../model/task.js';

export interface AboutTask {
  readonly problem_id: string;
  readonly iteration_id: number;
}

export interface AboutModule extends AboutTask {
  readonly module: string;
  /** Of a module in a loop. */
  readonly pass?: number;
}

export interface AboutItem extends AboutModule {
  readonly item: number;
}

export interface AboutExecution extends AboutModule {
  /** Of a module with `map`. */
  readonly item?: number;
  readonly execution_id: string;
  readonly attempt: number;
  readonly node_id: string;
}

export function aboutTask({ id }: Pick<Task, 'id'>): AboutTask {
  return { problem_id: id.problemId, iteration_id: id.iterationId };
}

export function aboutModule(task: Task, position: number): AboutModule {
  const { problemId, iterationId } = task.id;
  const pass = passOf(task, position);
  return {
    problem_id: problemId,
    iteration_id: iterationId,
    module: moduleName(task, position),
    ...(pass !== undefined && { pass }),
  };
}

export function aboutItem(task: Task, position: number, item: number): AboutItem {
  return { ...aboutModule(task, position), item };
}

export function aboutExecution(execution: Execution): AboutExecution {
  const { task, position, pass, item, id, attempt, nodeId } = execution;
  return {
    problem_id: task.id.problemId,
    iteration_id: task.id.iterationId,
    module: moduleName(task, position),
    ...(pass !== undefined && { pass }),
    ...(item !== undefined && { item }),
    execution_id: id,
    attempt,
    node_id: nodeId,
  };
}

export function aboutNode(node: { readonly nodeId: string; readonly module: string }): {
  readonly module: string;
  readonly node_id: string;
} {
  return { module: node.module, node_id: node.nodeId };
}
