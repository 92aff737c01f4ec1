/** Iterations of one problem, their executions and outputs, each as it is looked at by itself. */

import { didYouMean } from '../../base/nearest.js';
import type { Open } from '../../contract/answer.js';
import type {
  ExecutionJson,
  ListedIterationJson,
  ModuleAnswerJson,
  TaskAnswerJson,
} from '../../contract/iteration.js';
import { splitReference, typeOfOutput } from '../../model/graph.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import type { ExecutionRow } from '../tables/execution-row.js';
import { findInItems } from '../tables/read-rows.js';
import { iterationSummary } from '../tables/summary.js';
import { items, iterations } from '../tables/tables.js';
import type { TaskRow } from '../tables/task-row.js';
import { type Moment, notFound, problemOf, taskOf } from './moment.js';
import { isRefusal, limitOf, pageOf, readCursor, writeCursor } from './pages.js';
import type { Decoded } from './payloads.js';
import { executionView, iterationView, moduleView } from './views.js';

/** Whole rows, with all of their modules. */
const READ_PAGE = 100;

/** By their number. */
export async function listIterations(
  moment: Moment,
  problemId: string,
  page: PageRequest,
): Promise<Page<Open<ListedIterationJson>> | Refusal> {
  const after = readCursor(page.cursor);
  if (isRefusal(after)) return after;
  const problem = await problemOf(moment, problemId);
  if (isRefusal(problem)) return problem;
  const limit = limitOf(page);
  const items: Open<ListedIterationJson>[] = [];
  let last = after;
  for await (const { key, row } of iterations.walk(moment.reader, {
    prefix: [problemId],
    page: Math.min(limit + 1, READ_PAGE),
    ...(after && { after }),
  })) {
    if (items.length === limit) return { items, next_cursor: writeCursor(last!) };
    items.push(iterationView(iterationSummary(row)));
    last = key;
    await moment.slices.rest();
  }
  return { items, next_cursor: null };
}

export async function iteration(moment: Moment, id: TaskId): Promise<Open<TaskAnswerJson> | Refusal> {
  const row = await taskOf(moment, id);
  if (isRefusal(row)) return row;
  const { reader, payloads, slices } = moment;
  const { compiled } = await payloads.graphOf(row);
  const modules: Record<string, ModuleAnswerJson> = {};
  for (const { spec } of compiled.modules) {
    const output = await payloads.moduleOutput(reader, row, spec.name);
    modules[spec.name] = { ...moduleView(row, compiled, spec.name), output: output?.json ?? null };
    await slices.rest();
  }
  const input = await payloads.inputOf(reader, row);
  const overrides = await payloads.overridesOf(reader, row);
  return { ...iterationView(iterationSummary(row)), input, overrides, require: row.require ?? {}, modules };
}

/** An output of a module's newest succeeded execution, by its reference. */
export async function output(moment: Moment, id: TaskId, reference: string): Promise<Decoded | Refusal> {
  const row = await taskOf(moment, id);
  if (isRefusal(row)) return row;
  const { compiled } = await moment.payloads.graphOf(row);
  const { module, name } = splitReference(reference);
  const position = compiled.index.get(module);
  if (position === undefined) return notFound('unknown_module', `graph ${row.graph} has no module ${module}`);
  const { spec } = compiled.modules[position]!;
  if (name !== '' && typeOfOutput(spec, name) === undefined) {
    const names = Object.keys(spec.outputs ?? {});
    const known = spec.outputs ? `its outputs are ${names.join(', ')}` : 'it has one, without a name';
    const near = didYouMean(name, names);
    return notFound('unknown_output', `${module} has no output ${JSON.stringify(name)}${near}: ${known}`);
  }
  return (
    (await moment.payloads.moduleOutput(moment.reader, row, reference)) ??
    notFound('no_output', `${module} has no output in ${formatTaskId(id)}`)
  );
}

export async function executions(
  moment: Moment,
  id: TaskId,
  page: PageRequest,
): Promise<Page<Open<ExecutionJson>> | Refusal> {
  const row = await taskOf(moment, id);
  if (isRefusal(row)) return row;
  const all = [...executionsIn(row), ...(await executionsOfItems(moment, id, row))].sort(byAssignment);
  return pageOf(
    all.map(({ module, execution }) => executionView(execution, module)),
    page,
  );
}

export async function execution(
  moment: Moment,
  id: TaskId,
  executionId: string,
): Promise<Open<ExecutionJson> | Refusal> {
  const found = await findExecution(moment, id, executionId);
  return isRefusal(found) ? found : executionView(found.execution, found.module);
}

export async function executionOutput(
  moment: Moment,
  id: TaskId,
  executionId: string,
  seq: number,
): Promise<Decoded | Refusal> {
  const found = await findExecution(moment, id, executionId);
  if (isRefusal(found)) return found;
  const { row, module, execution } = found;
  return (
    (await moment.payloads.executionOutput(moment.reader, row, module, execution, seq)) ??
    notFound('no_output', `execution ${executionId} has no output ${seq}; it has ${execution.outputs}`)
  );
}

export interface FoundExecution {
  readonly row: TaskRow;
  readonly module: string;
  readonly execution: ExecutionRow;
}

export async function findExecution(
  moment: Moment,
  id: TaskId,
  executionId: string,
): Promise<FoundExecution | Refusal> {
  const row = await taskOf(moment, id);
  if (isRefusal(row)) return row;
  const found =
    executionsIn(row).find(({ execution }) => execution.execution_id === executionId) ??
    (await findInItems(moment.reader, id, executionId));
  if (found) return { row, ...found };
  return notFound('unknown_execution', `task ${formatTaskId(id)} has no execution ${executionId}`);
}

interface MadeExecution {
  readonly module: string;
  readonly execution: ExecutionRow;
}

function executionsIn({ modules }: TaskRow): MadeExecution[] {
  return Object.entries(modules).flatMap(([module, { executions }]) =>
    executions.map((execution) => ({ module, execution })),
  );
}

/** Those of items that are done. */
async function executionsOfItems(
  { reader, slices }: Moment,
  { problemId, iterationId }: TaskId,
  { modules }: TaskRow,
): Promise<MadeExecution[]> {
  const made: MadeExecution[] = [];
  if (Object.values(modules).every((row) => row.items === undefined && row.generation === 0)) return made;
  for await (const { row } of items.walk(reader, { prefix: [problemId, iterationId] })) {
    made.push(...row.executions.map((execution) => ({ module: row.module, execution })));
    await slices.rest();
  }
  return made;
}

function byAssignment({ execution: a }: MadeExecution, { execution: b }: MadeExecution): number {
  return a.assigned_at - b.assigned_at || (a.execution_id < b.execution_id ? -1 : 1);
}
