/** A task from outside: its name, its state as a person reads it, and waiting for its end. */
import { follow, type StreamedEvent } from '../../client/follow.js';
import type { ModuleAnswerJson, TaskAnswerJson } from '../../contract/iteration.js';
import { shortId } from '../../model/short-id.js';
import { formatTaskId, parseTaskId, type TaskId } from '../../model/task-id.js';
import { TASK_STATES, type TaskState, taskHasEnded } from '../../model/task-state.js';
import type { Client } from '../client.js';
import { CliError, EXIT } from '../exit.js';
import { inYaml, shownOutput } from '../print/shown-values.js';
import { stackBelow } from '../print/stack.js';
import { table } from '../print/table.js';

/** Throws `bad_task_id`. */
export function taskIdArgument(text: string): TaskId {
  const task = parseTaskId(text);
  if (task !== undefined) return task;
  throw new CliError(
    EXIT.badInput,
    'bad_task_id',
    `TASK_ID: ${JSON.stringify(text)} is not a task: give <problem_id>/<iteration_id>.`,
  );
}

export function problemPath(problemId: string): string {
  return `/v1/problems/${encodeURIComponent(problemId)}`;
}

export function taskPath(task: TaskId): string {
  return `${problemPath(task.problemId)}/iterations/${task.iterationId}`;
}

export interface WatchHandlers {
  readonly onState?: (view: TaskAnswerJson) => void | Promise<void>;
  readonly onEvent?: (event: StreamedEvent) => void;
}

/** The task as it has ended; what happens until then goes to the handlers. Throws `interrupted` when the signal is aborted. */
export async function waitForTask(
  client: Client,
  task: TaskId,
  signal: AbortSignal,
  handlers: WatchHandlers = {},
): Promise<TaskAnswerJson> {
  for (;;) {
    const { value: view, cursor } = await client.get<TaskAnswerJson>(taskPath(task));
    if (hasEnded(view.state)) return view;
    await handlers.onState?.(view);
    await followToEnd(client, task, cursor, signal, handlers);
    if (signal.aborted) {
      throw new CliError(
        EXIT.failed,
        'interrupted',
        `Waiting for ${formatTaskId(task)} was interrupted; the task continues.`,
      );
    }
  }
}

/** Returns when the state has to be fetched again: the task has ended, or something was missed. */
async function followToEnd(
  client: Client,
  task: TaskId,
  cursor: number,
  signal: AbortSignal,
  handlers: WatchHandlers,
): Promise<void> {
  for await (const followed of follow(client, { cursor, problemId: task.problemId, signal })) {
    if (followed.kind === 'gap') return;
    for (const event of followed.events) {
      if (event.iteration_id !== task.iterationId) continue;
      handlers.onEvent?.(event);
      if (event.type.startsWith('iteration.') && hasEnded(event.type.slice('iteration.'.length))) return;
    }
  }
}

/** Throws `task_failed` and the like, naming module, code and message, unless the task has succeeded. */
export function demandSuccess(view: TaskAnswerJson): void {
  if (view.state === 'succeeded') return;
  const reasons = Object.entries(view.modules)
    .filter(([, module]) => module.error !== null && module.state !== 'succeeded')
    .map(([name, { error }]) => `module ${name}: ${error?.code}: ${error?.message}`);
  const because = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  const reason = typeof view.reason === 'string' ? ` (${view.reason})` : '';
  throw new CliError(
    EXIT.failed,
    `task_${view.state}`,
    `Task ${view.task_id} is ${view.state}${reason}${because}`,
    {
      answered: true,
    },
  );
}

/** The modules of a task, then what each of them put out. */
export function describeTask(view: TaskAnswerJson): string {
  const modules = Object.entries(view.modules);
  const rows = modules.map(([name, one]) => [
    name,
    one.state,
    one.attempts,
    one.node_id && shortId(one.node_id),
    noteOf(one),
  ]);
  const outputs = Object.fromEntries(
    modules.filter(([, one]) => one.output !== null).map(([name, one]) => [name, shownOutput(one)]),
  );
  return [
    `${view.task_id}  ${view.state}`,
    '',
    table(['MODULE', 'STATE', 'ATTEMPTS', 'NODE', 'NOTE'], rows),
    ...modules.flatMap(([name, { error }]) =>
      error?.stack ? ['', `${name}: ${error.code}${stackBelow(error.stack)}`] : [],
    ),
    ...(Object.keys(outputs).length > 0 ? ['', inYaml(outputs)] : []),
  ].join('\n');
}

function noteOf(module: ModuleAnswerJson): string {
  const pass = typeof module.pass === 'number' ? `pass ${module.pass}` : '';
  const note = module.error
    ? `${module.error.code}: ${module.error.message}`
    : (module.waiting_reason ?? provenanceOf(module));
  const items = module.items ? `${module.items.done}/${module.items.total} items` : '';
  return [pass, items, note].filter((part) => part !== '').join(' · ');
}

/** The parts of a module that come from elsewhere: `of iteration 1`, `with another train`. */
export function provenanceOf({ reused_from, cached_from, overridden = [] }: ModuleAnswerJson): string {
  const source = sourceOf({ reused_from, cached_from });
  if (source !== undefined) return source;
  return overridden.length > 0 ? `with another ${overridden.join(', ')}` : '';
}

export function hasEnded(state: string): boolean {
  return (TASK_STATES as readonly string[]).includes(state) && taskHasEnded(state as TaskState);
}

/** Whose output a module or a `module.reused` names: `of iteration 1`, `of 0189abcd/1`. */
export function sourceOf(named: object): string | undefined {
  const { reused_from: from, cached_from: cached } = named as {
    readonly reused_from?: { readonly iteration_id?: number } | null;
    readonly cached_from?: { readonly problem_id?: string; readonly iteration_id?: number } | null;
  };
  if (from) return `of iteration ${from.iteration_id ?? '?'}`;
  return cached ? `of ${shortId(cached.problem_id ?? '')}/${cached.iteration_id ?? '?'}` : undefined;
}
