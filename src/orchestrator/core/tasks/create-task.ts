/** New tasks: iteration ids are handed out here and nowhere else, so two iterations of one problem never get the same. */
import type { GraphKey } from '../../../model/graph.js';
import type { PayloadRef } from '../../../model/payload.js';
import type { Problem } from '../../../model/problem.js';
import type { ReusedOutput, Task } from '../../../model/task.js';
import { formatTaskId, type TaskId } from '../../../model/task-id.js';
import type { Answer } from '../../port.js';
import { refusal } from '../../refusal.js';
import { refFromRow } from '../../tables/payload-ref.js';
import { outputRefsOf } from '../../tables/task-payloads.js';
import type { TaskRow } from '../../tables/task-row.js';
import { aboutTask } from '../about.js';
import { emit } from '../emit.js';
import type { PreparedInput, PreparedOverride, PreparedRequest, Turn } from '../turn.js';
import { compareBytes, compareOverride } from './comparing.js';
import { reuse, storeOverrides, storeOwn } from './reuse.js';

/** Some tasks will have ended by then. */
const TASKS_RETRY_S = 5;
/** Memory holds every unfinished task: beyond the limit, further requests are refused and tried again later. */
export function tooManyTasks({ state, settings }: Turn): Answer | undefined {
  if (state.tasks.size < settings.maxTasks) return undefined;
  const message = `${settings.maxTasks} tasks are unfinished`;
  const hint = 'more nodes finish them sooner; --max-tasks sets the limit';
  return refusal('too_many', 'too_many_tasks', message, { hint, retryAfter: TASKS_RETRY_S });
}

/** The data of a new task. */
export interface TaskInit {
  readonly parent?: TaskRow | undefined;
  /** @default the parent's */
  readonly prepared?: PreparedInput | undefined;
  readonly reused?: ReadonlyMap<string, ReusedOutput>;
  readonly request?: Extract<PreparedRequest, { kind: 'iterate' }>;
  readonly from: Pick<
    PreparedRequest & { kind: 'submit' },
    'client' | 'traceparent' | 'require' | 'resources'
  >;
}

export function createTask(turn: Turn, problem: Problem, graph: GraphKey, made: TaskInit): Task {
  const { state } = turn;
  const { parent, prepared, reused, request } = made;
  const { client, traceparent, require, resources } = made.from;
  const id: TaskId = { problemId: problem.problemId, iterationId: problem.newestIterationId + 1 };
  const input = prepared ? storeOwn(turn, id, 'input', prepared) : refFromRow(parent!.input);
  const pinned = parent && pinnedOutputs(parent);
  const overrides = storeOverrides(turn, id, request);
  emit(turn, {
    type: 'iteration.submitted',
    ...aboutTask({ id }),
    graph: graph.name,
    graph_version: graph.version,
    priority: problem.priority,
    parent_iteration_id: parent?.iteration_id ?? null,
    ...(client !== undefined && { client }),
    ...(traceparent !== undefined && { traceparent }),
    ...(request?.preparedOverrides?.length && { overridden: overriddenInputs(request.preparedOverrides) }),
    ...(require && { require }),
    queued_at: queueTime(turn),
    input,
    ...(pinned && { pinned }),
    ...(overrides && { overrides }),
    ...(resources && { resources }),
  });
  const task = state.tasks.get(formatTaskId(id))!;
  const own = prepared?.kind === 'inline' ? prepared.bytes : undefined;
  const inherited = parent && turn.loaded.inputs.get(`${parent.problem_id}/${parent.iteration_id}`);
  compareBytes(turn, task, task.graph.graph.source.name, prepared ? own : inherited);
  for (const override of request?.preparedOverrides ?? []) compareOverride(turn, task, override);
  if (reused) reuse(turn, task, reused);
  state.broker.enqueue(task);
  return task;
}

/** Now, but never before what was queued earlier. */
export function queueTime({ state, wallMs }: Turn): number {
  if (wallMs > state.queuedAt) state.undo.set(state, 'queuedAt', wallMs);
  return state.queuedAt;
}

/** The outputs of the parent's modules, by their references, fixed from now on. */
function pinnedOutputs(parent: TaskRow): Record<string, PayloadRef> {
  const pinned: Record<string, PayloadRef> = {};
  for (const module of Object.keys(parent.modules)) {
    for (const [reference, ref] of outputRefsOf(parent, module)) pinned[reference] = refFromRow(ref);
  }
  return pinned;
}

/** By module, the inputs that are not what the graph would give it. */
function overriddenInputs(overrides: readonly PreparedOverride[]): Record<string, string[]> {
  const inputs: Record<string, string[]> = {};
  for (const { module, input } of overrides) {
    inputs[module] ??= [];
    inputs[module].push(input);
  }
  return inputs;
}

/** The answer. */
export function created(id: TaskId): Answer {
  const body = { problem_id: id.problemId, iteration_id: id.iterationId, task_id: formatTaskId(id) };
  return { ok: true, kind: 'created', body };
}
