import { z } from 'zod';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { commandIssued } from '../answers/command.js';
import { event, iterationSummary, iterationView, queuePlace } from '../answers/iteration.js';
import { submitted } from '../answers/problem.js';
import { pageOf } from '../answers/shape.js';
import { HttpError } from '../errors.js';
import type { App } from '../http.js';
import {
  pageShape,
  problemParams,
  reason,
  refuseLostLabels,
  requireField,
  searchShape,
  splitPage,
  submitHeaders,
  TASK_PATH,
  taskOf,
  taskParams,
  traceOf,
} from '../requests.js';
import { Routes } from '../route.js';

const iterateBody = z
  .strictObject({
    input: z.unknown().optional().describe("By default the parent's"),
    parent_iteration_id: z
      .number()
      .int()
      .min(1)
      .max(0xffffffff)
      .exactOptional()
      .describe('By default the newest succeeded one, none if there is none'),
    reuse: z
      .array(z.string().min(1))
      .max(1000)
      .exactOptional()
      .describe(
        'Modules whose outputs of the parent are reused without running them. With it, the parent may have ended in any  ' +
          'way, as long as these have an output there',
      ),
    overrides: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .exactOptional()
      .describe(
        'By module and input, a value that this module alone gets instead of what the graph would give it, in the JSON mapping of its type',
      ),
    require: requireField,
  })
  .nullable();
const commandBody = z.strictObject({
  command: z.enum(['stop', 'reset', 'preempt', 'terminate']),
  module: z.string().min(1).exactOptional(),
  reason,
});
const searchQuery = z.strictObject({ ...pageShape, ...searchShape });

export function iterationRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);
  iterate(routes);
  listIterationsOfProblem(routes);
  searchIterations(routes);
  showIteration(routes);
  showQueue(routes);
  listEvents(routes);
  commandTask(routes);
}

function iterate(routes: Routes): void {
  routes.perform(
    'POST',
    '/v1/problems/:problem_id/iterations',
    {
      action: 'submit',
      summary: 'Iterate on a problem, or run part of an iteration again',
      checkBody: (body) => {
        refuseLostOverrides(body);
        refuseLostLabels(body);
      },
      params: problemParams,
      headers: submitHeaders,
      body: iterateBody,
      answers: { 201: submitted },
    },
    ({ params, body, headers }) => {
      const { parent_iteration_id: parentIterationId, ...wanted } = body ?? {};
      return {
        ...{ kind: 'iterate', problemId: params.problem_id, ...wanted },
        ...(parentIterationId !== undefined && { parentIterationId }),
        ...traceOf(headers),
      };
    },
  );
}

function refuseLostOverrides(body: unknown): void {
  const overrides = (body as { overrides?: unknown } | null | undefined)?.overrides;
  if (typeof overrides !== 'object' || overrides === null) return;
  const lost = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__');
  const details = Object.entries(overrides)
    .filter(([, inputs]) => lost(inputs))
    .map(([module]) => ({
      path: `/overrides/${module}/__proto__`,
      code: 'unknown_input',
      message: 'no input has this name',
    }));
  if (lost(overrides))
    details.push({
      path: '/overrides/__proto__',
      code: 'unknown_module',
      message: 'no module has this name',
    });
  const [first] = details;
  if (first === undefined) return;
  throw new HttpError(422, 'bad_overrides', `An override is invalid: ${first.path}: ${first.message}`, {
    details,
  });
}

function listIterationsOfProblem(routes: Routes): void {
  routes.find(
    '/v1/problems/:problem_id/iterations',
    {
      summary: 'Iterations by number, without payloads',
      params: problemParams,
      querystring: searchQuery,
      answer: pageOf(iterationSummary),
    },
    (queries, { params, query }) => {
      const { rest, page } = splitPage(query);
      return queries.iterations(params.problem_id, page, rest);
    },
  );
}

function searchIterations(routes: Routes): void {
  routes.find(
    '/v1/iterations',
    {
      summary: 'Iterations of all problems: those of the newest problem first, and of each the newest first',
      querystring: searchQuery,
      answer: pageOf(iterationSummary),
    },
    (queries, { query }) => {
      const { rest, page } = splitPage(query);
      return queries.searchIterations(rest, page);
    },
  );
}

function showIteration(routes: Routes): void {
  routes.find(
    TASK_PATH,
    {
      summary: 'An iteration with the state and output of every module',
      params: taskParams,
      answer: iterationView,
    },
    (queries, { params }) => queries.iteration(taskOf(params)),
  );
}

function showQueue(routes: Routes): void {
  routes.list(
    `${TASK_PATH}/queue`,
    {
      summary: 'Modules that wait for a slot, and the number of executions ahead of them',
      params: taskParams,
      item: queuePlace,
    },
    (queries, { params, query }) => queries.queueOfTask(taskOf(params), query),
  );
}

function listEvents(routes: Routes): void {
  routes.list(
    `${TASK_PATH}/events`,
    { summary: "The task's events, in order", params: taskParams, item: event },
    (queries, { params, query }) => queries.taskEvents(taskOf(params), query),
  );
}

function commandTask(routes: Routes): void {
  routes.perform(
    'POST',
    `${TASK_PATH}/commands`,
    {
      action: 'command_task',
      summary: 'Stop, reset, preempt or terminate a task, or one of its modules',
      params: taskParams,
      body: commandBody,
      answers: { 202: commandIssued },
    },
    ({ params, body, caller: { role } }) => ({
      kind: 'task_command',
      taskId: taskOf(params),
      role,
      ...body,
    }),
  );
}
