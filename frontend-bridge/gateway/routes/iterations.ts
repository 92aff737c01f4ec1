import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { TaskId } from '../../../src/model/task-id.js';
import type { Coordinator, StoredOutput } from '../../../src/orchestrator/port.js';
import { wantsBytes } from '../accept.js';
import { HttpError } from '../errors.js';
import { sendFile } from '../files.js';
import { type App, asked, found, perform, sendFound, sendJson, within } from '../http.js';
import {
  pageQuery,
  postHeaders,
  problemParams,
  reason,
  refuseLostLabels,
  requireField,
  submitHeaders,
  taskParams,
  traceOf,
} from '../requests.js';
import * as shape from '../schemas.js';
import { sendBlob } from './blobs.js';

const TASK = '/v1/problems/:problem_id/iterations/:iteration_id';

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
const outputName = z.string().describe('A module, or one of its named outputs: `train.plot`');
const executionParams = taskParams.extend({ execution_id: z.string() });
const outputAnswer = shape.answers({
  200: shape.content('The output, decoded; or its bytes, of the type that the header Tutti-Type names', {
    'application/json': shape.anything,
    'application/x-protobuf': shape.bytes,
    'application/octet-stream': shape.bytes,
  }),
});

const fileAnswer = shape.answers({
  200: shape.content('The file, of the media type that the graph names, or that its first bytes tell', {
    'application/json': shape.anything,
    'application/octet-stream': shape.bytes,
  }),
});

/** The schema silently drops fields that are named `__proto__`. */
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

function taskOf(params: { readonly problem_id: string; readonly iteration_id: number }): TaskId {
  return { problemId: params.problem_id, iterationId: params.iteration_id };
}

export function iterationRoutes(app: App, coordinator: Coordinator): void {
  const sendOutput = (
    request: FastifyRequest,
    reply: FastifyReply,
    output: StoredOutput,
  ): FastifyReply | Promise<FastifyReply> => {
    reply.header('tutti-type', output.type).header('vary', 'accept');
    if (output.reusedFrom) {
      const { iterationId, executionId } = output.reusedFrom;
      reply.header('tutti-reused-from', `${iterationId}/${executionId}`);
    }
    const type = wantsBytes(request.headers.accept);
    if (type === undefined) return sendJson(reply, output.json);
    if (output.raw.kind === 'inline') return reply.type(type).send(Buffer.from(output.raw.bytes));
    return sendBlob(request, reply, within(coordinator, request).blobs, output.raw.blob.sha256, type);
  };

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

  app.get(
    TASK,
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

  app.get(
    `${TASK}/outputs/:module`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary:
          "The last output of a module's newest succeeded execution, or of the one that the header Tutti-Reused-From names",
        params: taskParams.extend({ module: outputName }),
        response: outputAnswer,
      },
    },
    async (request, reply) =>
      sendOutput(
        request,
        reply,
        found(reply, await asked(coordinator, reply).output(taskOf(request.params), request.params.module)),
      ),
  );

  app.get(
    `${TASK}/outputs/:module/file`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'The last output of a module as a file to keep, with a name and its media type',
        params: taskParams.extend({ module: outputName }),
        response: fileAnswer,
      },
    },
    async (request, reply) => {
      const { module, iteration_id } = request.params;
      const output = found(reply, await asked(coordinator, reply).output(taskOf(request.params), module));
      return sendFile(
        request,
        reply,
        within(coordinator, request).blobs,
        output,
        `${module.replace('.', '-')}-${iteration_id}`,
      );
    },
  );

  app.get(
    `${TASK}/queue`,
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

  app.get(
    `${TASK}/executions`,
    {
      config: { action: 'read' },
      schema: {
        summary: 'Every attempt',
        params: taskParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.executionView) }),
      },
    },
    async (request, reply) =>
      sendFound(reply, await asked(coordinator, reply).executions(taskOf(request.params), request.query)),
  );

  app.get(
    `${TASK}/executions/:execution_id`,
    {
      config: { action: 'read' },
      schema: {
        summary: 'One attempt',
        params: executionParams,
        response: shape.answers({ 200: shape.executionView }),
      },
    },
    async (request, reply) =>
      sendFound(
        reply,
        await asked(coordinator, reply).execution(taskOf(request.params), request.params.execution_id),
      ),
  );

  app.get(
    `${TASK}/executions/:execution_id/outputs/:seq`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'One output of an attempt, partial ones too',
        params: executionParams.extend({ seq: z.coerce.number().int().min(1) }),
        response: outputAnswer,
      },
    },
    async (request, reply) => {
      const { execution_id, seq } = request.params;
      const result = await asked(coordinator, reply).executionOutput(
        taskOf(request.params),
        execution_id,
        seq,
      );
      return sendOutput(request, reply, found(reply, result));
    },
  );

  app.get(
    `${TASK}/executions/:execution_id/outputs/:seq/file`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'One output of an attempt as a file to keep',
        params: executionParams.extend({ seq: z.coerce.number().int().min(1) }),
        response: fileAnswer,
      },
    },
    async (request, reply) => {
      const { execution_id, seq, iteration_id } = request.params;
      const task = taskOf(request.params);
      const queries = asked(coordinator, reply);
      const output = found(reply, await queries.executionOutput(task, execution_id, seq));
      const execution = found(reply, await queries.execution(task, execution_id));
      const named = output.name === undefined ? '' : `-${output.name}`;
      const name = `${String(execution.module)}${named}-${iteration_id}-${seq}`;
      return sendFile(request, reply, within(coordinator, request).blobs, output, name);
    },
  );

  app.get(
    `${TASK}/executions/:execution_id/log`,
    {
      config: { action: 'read' },
      schema: {
        summary: "An attempt's log",
        params: executionParams,
        querystring: pageQuery,
        response: shape.answers({ 200: shape.pageOf(shape.logLine) }),
      },
    },
    async (request, reply) => {
      const { execution_id } = request.params;
      return sendFound(
        reply,
        await asked(coordinator, reply).executionLog(taskOf(request.params), execution_id, request.query),
      );
    },
  );

  app.get(
    `${TASK}/events`,
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

  app.post(
    `${TASK}/commands`,
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
        { kind: 'task_command', taskId: taskOf(request.params), ...request.body },
        reply,
        request.headers,
      ),
  );
}
