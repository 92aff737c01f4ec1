import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { JobSchema } from '../../../src/config/forms/job-schema.js';
import type { JobTypes } from '../../../src/config/forms/job-types.js';
import { JOB_STATES } from '../../../src/model/job.js';
import type { Coordinator, Workspace } from '../../../src/orchestrator/port.js';
import { commandIssued } from '../answers/command.js';
import { jobSubmitted, jobSummary, jobView } from '../answers/job.js';
import { answers, content, pageOf, plainText } from '../answers/shape.js';
import { refusalError } from '../errors.js';
import { type App, asked, perform, sendText, within } from '../http.js';
import { ReadJobs } from '../jobs/read-jobs.js';
import type { GatewayLimits } from '../limits.js';
import { pageShape, postHeaders, reason, splitPage, submitHeaders, traceOf } from '../requests.js';

const jobParams = z.object({ job_id: z.string() });
const cancelBody = z.strictObject({ reason }).nullable();
const listQuery = z.strictObject({
  ...pageShape,
  cluster: z.string().exactOptional().describe('The cluster where it runs, ran or will run'),
  state: z.enum(JOB_STATES).exactOptional(),
  job_type: z.string().exactOptional(),
});

export function jobRoutes(
  app: App,
  coordinator: Coordinator,
  jobTypes: JobTypes,
  { bodyBytes }: Pick<GatewayLimits, 'bodyBytes'>,
): void {
  const jobs = new ReadJobs(jobTypes, bodyBytes);
  const asker = (reply: FastifyReply): Pick<Workspace, 'queries' | 'blobs'> => ({
    queries: asked(coordinator, reply),
    blobs: within(coordinator, reply.request).blobs,
  });

  app.post(
    '/v1/jobs',
    {
      config: { action: 'run_job' },
      schema: {
        summary: 'Run a script on a cluster',
        headers: submitHeaders,
        body: JobSchema,
        response: answers({ 201: jobSubmitted }),
      },
    },
    async (asking, reply) => {
      const { body, headers } = asking;
      const { job_type: jobType, ...job } = body;
      const request = { ...job, ...(jobType !== undefined && { jobType }) };
      const answer = await within(coordinator, asking).request(
        { kind: 'submit_job', ...request, ...traceOf(headers) },
        headers['idempotency-key'],
      );
      if (!answer.ok) throw refusalError(answer);
      const { problem_id, task_id } = answer.body;
      return reply.code(201).send({ job_id: problem_id, task_id });
    },
  );

  app.get(
    '/v1/jobs',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Jobs, newest first',
        querystring: listQuery,
        response: answers({ 200: pageOf(jobSummary) }),
      },
    },
    async (request, reply) => {
      const { rest, page } = splitPage(request.query);
      return jobs.list(asker(reply), rest, page);
    },
  );

  app.get(
    '/v1/jobs/:job_id',
    {
      config: { action: 'read' },
      schema: { summary: 'A job', params: jobParams, response: answers({ 200: jobView }) },
    },
    async (request, reply) => jobs.show(asker(reply), request.params.job_id),
  );

  app.get(
    '/v1/jobs/:job_id/log',
    {
      config: { action: 'read' },
      schema: {
        summary: 'The log of a job so far, both streams in line order',
        params: jobParams,
        response: answers({ 200: content('The lines', { 'text/plain': plainText }) }),
      },
    },
    async (request, reply) => {
      const { job_id } = request.params;
      const asking = asker(reply);
      await jobs.taskIdOf(asking, job_id);
      return sendText(reply, jobs.log(asking, job_id));
    },
  );

  app.post(
    '/v1/jobs/:job_id/cancel',
    {
      config: { action: 'run_job' },
      schema: {
        summary: 'Stop a job',
        params: jobParams,
        headers: postHeaders,
        body: cancelBody,
        response: answers({ 202: commandIssued }),
      },
    },
    async (request, reply) => {
      const taskId = await jobs.taskIdOf(asker(reply), request.params.job_id);
      const stop = { kind: 'task_command', taskId, command: 'stop', ...request.body } as const;
      return perform(coordinator, stop, reply, request.headers);
    },
  );
}
