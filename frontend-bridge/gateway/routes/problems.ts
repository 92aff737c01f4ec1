import { Readable } from 'node:stream';
import { z } from 'zod';
import { TASK_STATES } from '../../../src/model/task-state.js';
import type { Answer, Coordinator, View } from '../../../src/orchestrator/port.js';
import { problemSummary, problemView, remarks, submitted, submittedBatch, tag } from '../answers/problem.js';
import { answers, anything, content, pageOf, plainText } from '../answers/shape.js';
import { errorBody, refusalError } from '../errors.js';
import { type App, asked, found, within } from '../http.js';
import { BATCH_MAX } from '../payload-texts.js';
import {
  changeHeaders,
  pageShape,
  problemParams,
  refuseLostLabels,
  remarksShape,
  requireField,
  searchShape,
  splitPage,
  submitHeaders,
  traceOf,
} from '../requests.js';
import { Routes } from '../route.js';
import { EXPORT_TYPES, spreadsheetField } from '../table-export.js';

const time = z.iso.datetime({ offset: true }).exactOptional();
const flag = z.enum(['true', 'false']).exactOptional();
const listQuery = z.strictObject({
  ...pageShape,
  ...searchShape,
  graph: z.string().exactOptional(),
  state: z.enum(TASK_STATES).exactOptional().describe('The state of the newest iteration'),
  q: z
    .string()
    .exactOptional()
    .describe(
      "A part of the title, of a tag, of the notes or of the newest input's text, without regard to case and to how characters are written (`é` in one or two)",
    ),
  starred: flag.describe('Only those with a star, or without'),
  archived: flag.describe('Only archived problems, or only others; all problems by default'),
  tag: z.string().exactOptional().describe('Only those that have this tag'),
  created_after: time,
  created_before: time,
});
const submitBody = z.strictObject({
  graph: z.string().min(1),
  input: z.unknown().describe("The source's value, in the JSON mapping of its type"),
  ...remarksShape,
  priority: z.number().int().min(0).max(100).exactOptional().describe('Higher first, default 50'),
  require: requireField,
});
/** Decided in one turn of the loop, and committed in one transaction. */
const batchBody = z.strictObject({ problems: z.array(submitBody).min(1).max(BATCH_MAX) });
const iteration = z.coerce.number().int().min(1);
const exportQuery = z.strictObject({
  format: z.enum(['jsonl', 'csv']).default('jsonl'),
  spreadsheet: spreadsheetField,
});

export function problemRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);
  submitProblem(routes);
  submitBatch(app, coordinator);
  listProblems(routes);
  listTags(routes);
  showProblem(routes);
  changeProblem(routes);
  compareIterations(routes);
  exportProblem(app, coordinator);
}

function submitProblem(routes: Routes): void {
  routes.perform(
    'POST',
    '/v1/problems',
    {
      action: 'submit',
      summary: 'Submit a problem and start its first iteration',
      checkBody: refuseLostLabels,
      headers: submitHeaders,
      body: submitBody,
      answers: { 201: submitted },
    },
    ({ body, headers }) => ({ kind: 'submit', ...body, ...traceOf(headers) }),
  );
}

function submitBatch(app: App, coordinator: Coordinator): void {
  app.post(
    '/v1/problems::batch',
    {
      config: { action: 'submit' },
      preValidation: async (request) => {
        const { problems } = (request.body ?? {}) as { readonly problems?: unknown };
        if (Array.isArray(problems)) problems.forEach(refuseLostLabels);
      },
      schema: {
        summary: 'Submit many problems; each gets its own answer, in order',
        headers: submitHeaders,
        body: batchBody,
        response: answers({ 200: submittedBatch }),
      },
    },
    async (request) => {
      const workspace = within(coordinator, request);
      const key = request.headers['idempotency-key'];
      const trace = traceOf(request.headers);
      const answers = await Promise.all(
        request.body.problems.map((problem, position) =>
          // No key of a client's own has a space in it.
          workspace.request({ kind: 'submit', ...problem, ...trace }, key && `${key} ${position}`),
        ),
      );
      return { items: answers.map(itemOf) };
    },
  );
}

function listProblems(routes: Routes): void {
  routes.find(
    '/v1/problems',
    {
      summary: 'Problems, newest first',
      querystring: listQuery,
      answer: pageOf(problemSummary),
    },
    (queries, { query }) => {
      const { rest, page } = splitPage(query);
      const { starred, archived, ...filter } = rest;
      const flags = {
        ...(starred !== undefined && { starred: starred === 'true' }),
        ...(archived !== undefined && { archived: archived === 'true' }),
      };
      return queries.problems({ ...filter, ...flags }, page);
    },
  );
}

function listTags(routes: Routes): void {
  routes.list('/v1/tags', { summary: 'All tags in use, sorted', item: tag }, (queries, { query }) =>
    queries.tags(query),
  );
}

function showProblem(routes: Routes): void {
  routes.find(
    '/v1/problems/:problem_id',
    { summary: 'A problem with its newest iterations', params: problemParams, answer: problemView },
    (queries, { params }) => queries.problem(params.problem_id),
  );
}

function changeProblem(routes: Routes): void {
  routes.perform(
    'PATCH',
    '/v1/problems/:problem_id',
    {
      action: 'change_problem',
      summary: 'Change the title, tags, notes, star or archived flag of a problem',
      description:
        'A JSON merge patch: fields that are absent stay, null takes a field back, tags take the place of all that it had',
      params: problemParams,
      headers: changeHeaders,
      body: z.strictObject(remarksShape),
      answers: { 200: remarks },
    },
    ({ params: { problem_id: problemId }, body: change, headers: { 'if-match': seen } }) => ({
      ...{ kind: 'change_problem', problemId, change },
      ...(seen !== undefined && { revision: Number(seen.replaceAll('"', '')) }),
    }),
  );
}

function compareIterations(routes: Routes): void {
  routes.find(
    '/v1/problems/:problem_id/diff',
    {
      summary: 'The differences between two iterations, by module',
      params: problemParams,
      querystring: z.strictObject({ a: iteration, b: iteration }),
      answer: anything,
    },
    (queries, { params, query: { a, b } }) => queries.diff(params.problem_id, a, b),
  );
}

function exportProblem(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/problems/:problem_id/export',
    {
      config: { action: 'read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'All iterations with their outputs, streamed',
        params: problemParams,
        querystring: exportQuery,
        response: answers({
          200: content('A record an iteration, in order', {
            'application/x-ndjson': plainText,
            'text/csv': plainText,
          }),
        }),
      },
    },
    async (request, reply) => {
      const { problem_id } = request.params;
      const { format } = request.query;
      const isForSpreadsheet = format === 'csv' && request.query.spreadsheet === 'true';
      const exported = await asked(coordinator, reply).exportOf(
        problem_id,
        isForSpreadsheet ? 'csv for spreadsheets' : format,
      );
      const text = found(reply, exported);
      reply.header('content-disposition', `attachment; filename="${problem_id}.${format}"`);
      reply.type(EXPORT_TYPES[format]);
      return reply.send(Readable.from(text, { objectMode: false }));
    },
  );
}

function itemOf(answer: Answer): View {
  if (answer.ok) return answer.body;
  const failure = refusalError(answer);
  return { status: failure.status, ...errorBody(failure) };
}
