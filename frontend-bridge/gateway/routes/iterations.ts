import { z } from 'zod';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { HttpError } from '../errors.js';
import { type App, asked, perform, sendFound } from '../http.js';
import {
  pageQuery,
  pageShape,
  postHeaders,
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
import * as shape from '../schemas.js';

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
        'Modules whose outputs in the parent are taken over as they are: nothing runs for them. With it the parent may have ended in any ' +
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
  iterate(app, coordinator);
  listIterationsOfProblem(app, coordinator);
  searchIterations(app, coordinator);
  showIteration(app, coordinator);
  showQueue(app, coordinator);
  listEvents(app, coordinator);
  commandTask(app, coordinator);
}

function iterate(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/problems/:problem_id/iterations',
    {
      config: { action: 'submit' },
      preValidation: async (request) => {
        refuseLostOverrides(request.body);
        refuseLostLabels(request.body);
      },
      schema: {
        summary: 'Iterate on a problem, or run a part of an iteration again',
        params: problemParams,
        headers: submitHeaders,
        body: iterateBody,
        response: shape.answers({ 201: shape.submitted }),
      },
    },
    (request, reply) => {
      const { input, parent_iteration_id: parentIterationId, reuse, overrides, require } = request.body ?? {};
      return perform(
        coordinator,
        {
          kind: 'iterate',
          problemId: request.params.problem_id,
          ...(input !== undefined && { input }),
          ...(parentIterationId !== undefined && { parentIterationId }),
          ...(reuse !== undefined && { reuse }),
          ...(overrides !== undefined && { overrides }),
          ...(require !== undefined && { require }),
          ...traceOf(request.headers),
        },
        reply,
        request.headers,
      );
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
  throw new HttpError(422, 'bad_overrides', `An override is at fault: ${first.path}: ${first.message}`, {
    details,
  });
}

function listIterationsOfProblem(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/problems/:problem_id/iterations',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Iterations by their number, without payloads',
        params: problemParams,
        querystring: searchQuery,
        response: shape.answers({ 200: shape.pageOf(shape.iterationSummary) }),
      },
    },
    async (request, reply) => {
      const { rest, page } = splitPage(request.query);
      return sendFound(
        reply,
        await asked(coordinator, reply).iterations(request.params.problem_id, page, rest),
      );
    },
  );
}

function searchIterations(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/iterations',
    {
      config: { action: 'read' },
      schema: {
        summary:
          'Iterations of all problems: those of the newest problem first, and of each the newest first',
        querystring: searchQuery,
        response: shape.answers({ 200: shape.pageOf(shape.iterationSummary) }),
      },
    },
    async (request, reply) => {
      const { rest, page } = splitPage(request.query);
      return sendFound(reply, await asked(coordinator, reply).searchIterations(rest, page));
    },
  );
}

function showIteration(app: App, coordinator: Coordinator): void {
  app.get(
    TASK_PATH,
    {
      config: { action: 'read' },
      schema: {
        summary: 'An iteration with the state and output of every module',
        params: taskParams,
        response: shape.answers({ 200: shape.iterationView }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).iteration(taskOf(request.params))),
  );
}

function showQueue(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/queue`,
    {
      config: { action: 'read' },
      schema: {
        summary: 'Modules that wait for a slot, and how many come before them',
        params: taskParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.queuePlace) }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).queueOfTask(taskOf(request.params), request.query)),
  );
}

function listEvents(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/events`,
    {
      config: { action: 'read' },
      schema: {
        summary: "The task's events, in order",
        params: taskParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.event) }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).taskEvents(taskOf(request.params), request.query)),
  );
}

function commandTask(app: App, coordinator: Coordinator): void {
  app.post(
    `${TASK_PATH}/commands`,
    {
      config: { action: 'command_task' },
      schema: {
        summary: 'Stop, reset, preempt or terminate a task, or one of its modules',
        params: taskParams,
        headers: postHeaders,
        body: commandBody,
        response: shape.answers({ 202: shape.commandIssued }),
      },
    },
    (request, reply) =>
      perform(
        coordinator,
        {
          ...{ kind: 'task_command', taskId: taskOf(request.params), role: request.caller.role },
          ...request.body,
        },
        reply,
        request.headers,
      ),
  );
}
