/** Outputs, decoded or as their bytes, and as files to keep. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Coordinator, StoredOutput } from '../../../src/orchestrator/port.js';
import { wantsBytes } from '../accept.js';
import { answers, anything, bytes, content } from '../answers/shape.js';
import { sendFile } from '../files.js';
import { type App, asked, found, sendJson, within } from '../http.js';
import { executionParams, TASK_PATH, taskOf, taskParams } from '../requests.js';
import { sendBlob } from './blobs.js';

const outputName = z.string().describe('A module, or one of its named outputs: `train.plot`');
const outputAnswer = answers({
  200: content('The output, decoded; or its bytes, of the type that the header Tutti-Type names', {
    'application/json': anything,
    'application/x-protobuf': bytes,
    'application/octet-stream': bytes,
  }),
});
const fileAnswer = answers({
  200: content('The file, of the media type that the graph names, or that its first bytes tell', {
    'application/json': anything,
    'application/octet-stream': bytes,
  }),
});

export function outputRoutes(app: App, coordinator: Coordinator): void {
  sendModuleOutput(app, coordinator);
  sendModuleFile(app, coordinator);
  sendExecutionOutput(app, coordinator);
  sendExecutionFile(app, coordinator);
}

function sendModuleOutput(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/outputs/:module`,
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
        coordinator,
        request,
        reply,
        found(reply, await asked(coordinator, reply).output(taskOf(request.params), request.params.module)),
      ),
  );
}

function sendModuleFile(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/outputs/:module/file`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'The last output of a module as a download with a name and media type',
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
}

function sendExecutionOutput(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/executions/:execution_id/outputs/:seq`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'An output of an attempt, including partial ones',
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
      return sendOutput(coordinator, request, reply, found(reply, result));
    },
  );
}

function sendExecutionFile(app: App, coordinator: Coordinator): void {
  app.get(
    `${TASK_PATH}/executions/:execution_id/outputs/:seq/file`,
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'An output of an attempt as a download',
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
}

function sendOutput(
  coordinator: Coordinator,
  request: FastifyRequest,
  reply: FastifyReply,
  output: StoredOutput,
): FastifyReply | Promise<FastifyReply> {
  reply.header('tutti-type', output.type).header('vary', 'accept');
  if (output.reusedFrom) {
    const { iterationId, executionId } = output.reusedFrom;
    reply.header('tutti-reused-from', `${iterationId}/${executionId}`);
  }
  const type = wantsBytes(request.headers.accept);
  if (type === undefined) return sendJson(reply, output.json);
  if (output.raw.kind === 'inline') return reply.type(type).send(Buffer.from(output.raw.bytes));
  return sendBlob(request, reply, within(coordinator, request).blobs, output.raw.blob.sha256, type);
}
