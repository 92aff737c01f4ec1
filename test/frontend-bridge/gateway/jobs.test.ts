/** Jobs over HTTP: what they are is read from their tasks and logs. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReadJobs } from '../../../frontend-bridge/gateway/jobs/read-jobs.js';
import { type JobType, JobTypeSchema } from '../../../src/config/forms/job-types.js';
import { noSuchBlob } from '../../../src/orchestrator/blobs/blobs.js';
import { fakeNode } from '../../support/fake-coordinator.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

const JOB_TYPES = new Map<string, JobType>(
  Object.entries({
    fit: { pattern: 'loss=(?P<loss>[0-9.]+) at (?P<step>\\d+)' },
    all: { pattern: 'loss=(?P<loss>[0-9.]+)', all: true },
    json: { json: 'last-line' },
  }).map(([name, type]) => [name, JobTypeSchema.parse(type)]),
);

let running: RunningGateway;

beforeEach(async () => {
  running = await startGateway({ jobTypes: JOB_TYPES });
});
afterEach(() => running.gateway.stop());

// biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
type Reply = { readonly status: number; readonly body: any };

async function call(method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(running.url + path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

const line = (stream: string | undefined, message: string, fields: object = {}) => ({
  ...{ at: '2026-01-01T00:00:00.000Z', level: 'info', message },
  fields: { ...(stream !== undefined && { stream }), ...fields },
});

const LOG = [
  line(undefined, 'the cluster has taken the command as 4711', { by: 'agent', engine_id: '4711' }),
  line('stdout', 'loss=0.5 at 1 loss=0.4 at 2'),
  line('stderr', 'a warning'),
  line(undefined, '10 bytes of stdout were left out here', {
    ...{ by: 'agent', left_out_bytes: '10', of: 'stdout' },
  }),
  line('stdout', 'loss=0.25 at 3'),
  line('stdout', '{"loss": 0.25}'),
];

async function job(more: object = {}): Promise<string> {
  const { status, body } = await call('POST', '/v1/jobs', { name: 'fit', script: '#!/bin/sh\n', ...more });
  expect(status).toBe(201);
  return body.job_id;
}

const stateOf = async (id: string): Promise<string> => (await call('GET', `/v1/jobs/${id}`)).body.state;
const taskOf = (problemId: string) => ({ problemId, iterationId: 1 });

describe('a job', () => {
  it('is submitted with what it needs, and answered with its ids', async () => {
    const given = {
      ...{ name: 'fit', script: '#!/bin/sh\necho 1\n', cluster: 'hpc', job_type: 'fit', args: ['-n', '2'] },
      ...{ env: { OMP_NUM_THREADS: '2' }, require: { gpu: 'true' } },
      resources: { cpus: 2, memory: '4GiB', walltime: '30m' },
    };
    const { status, body } = await call('POST', '/v1/jobs', given);
    expect([status, body]).toEqual([201, { job_id: body.job_id, task_id: `${body.job_id}/1` }]);
    const { job_type: jobType, ...rest } = given;
    expect(running.coordinator.requests).toEqual([
      {
        ...{ kind: 'submit_job', ...rest, jobType },
        resources: { cpus: 2, memoryBytes: 2 ** 32, walltimeMs: 1_800_000 },
      },
    ]);
  });

  it('is refused with every fault at its place', async () => {
    const faulty = {
      ...{
        cluster: 'No',
        args: [1],
        env: { 'A B': 'c' },
        require: { gpu: 1 },
        job_type: '',
        script_path: 'x',
      },
      resources: { cpus: 0, memory: 'much', walltime: '1 year' },
    };
    const { status, body } = await call('POST', '/v1/jobs', faulty);
    expect(status).toBe(422);
    const paths = body.error.details.map(({ path }: { path: string }) => path);
    expect(new Set(paths)).toEqual(
      new Set([
        ...[
          '/name',
          '/script',
          '/cluster',
          '/args/0',
          '/env/A B',
          '/require/gpu',
          '/job_type',
          '/script_path',
        ],
        ...['/resources/cpus', '/resources/memory', '/resources/walltime'],
      ]),
    );
    expect(running.coordinator.requests).toEqual([]);
  });

  it('has the states of its task and of its execution', async () => {
    const id = await job();
    const task = taskOf(id);
    expect(await stateOf(id)).toBe('SUBMITTED');
    const { body } = await call('GET', `/v1/problems/${id}/iterations/1`);
    expect(body.modules.script.state).toBe('assigned');
    running.coordinator.end(task, 'succeeded');
    expect(await stateOf(id)).toBe('COMPLETED');
    const failed = await job();
    running.coordinator.end(taskOf(failed), 'failed');
    const cancelled = await job();
    running.coordinator.end(taskOf(cancelled), 'cancelled');
    expect(await Promise.all([failed, cancelled].map(stateOf))).toEqual(['FAILED', 'CANCELLED']);
  });

  it('shows where it ran, its engine’s id, its exit code and what its parser has found', async () => {
    running.coordinator.lines = LOG;
    const id = await job({ job_type: 'fit', cluster: 'hpc' });
    const command = { cluster: 'hpc', engine_id: '4711', exit_code: 0 };
    running.coordinator.command(taskOf(id), 'script', command);
    running.coordinator.output(taskOf(id), 'script', { exit_code: 0, signal: null, seconds: 1, host: 'n1' });
    running.coordinator.end(taskOf(id), 'succeeded');
    expect((await call('GET', `/v1/jobs/${id}`)).body).toMatchObject({
      ...{ job_id: id, task_id: `${id}/1`, name: 'fit', cluster: 'hpc', job_type: 'fit', state: 'COMPLETED' },
      ...{ exit_code: 0, engine_id: '4711', result: { loss: '0.5', step: '1' }, log_lines: 4, error: null },
      project: 'default',
    });
    const results = await Promise.all(
      ['all', 'json', 'unknown', undefined].map(async (job_type) => {
        const one = await job(job_type === undefined ? {} : { job_type });
        return (await call('GET', `/v1/jobs/${one}`)).body.result;
      }),
    );
    const all = ['0.5', '0.4', '0.25'].map((loss) => ({ loss }));
    expect(results).toEqual([all, { loss: 0.25 }, null, null]);
  });

  it('has its log as text, which says where some of it is left out', async () => {
    running.coordinator.lines = LOG;
    const id = await job();
    expect((await call('GET', `/v1/jobs/${id}/log`)).body).toBe(
      'loss=0.5 at 1 loss=0.4 at 2\na warning\n[10 bytes of stdout were left out here]\nloss=0.25 at 3\n{"loss": 0.25}\n',
    );
  });

  it('has all of its log where the history has a part of it: streams that are there as a whole are read from there', async () => {
    const long = `a line\n${'x'.repeat(300_000)}\n\nhalf`;
    const bytes = Buffer.from(`loss=0.5 at 1 loss=0.4 at 2\n${long}\nloss=0.25 at 3\n{"loss": 0.25}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    running.coordinator.lines = LOG;
    running.coordinator.wholeStreams = { stdout: { sha256, size: bytes.byteLength } };
    const id = await job();
    const read = async (): Promise<string> => (await call('GET', `/v1/jobs/${id}/log`)).body;
    // The blob is damaged, or gone.
    expect(await read()).toContain('[10 bytes of stdout were left out here]');
    await running.coordinator.blobs.put(sha256, Readable.from([bytes]));
    const [first, ...rest] = bytes.toString().split(/(?<=\n)/);
    expect(await read()).toBe(`${first}a warning\n${rest.join('')}`);
    running.coordinator.lines = LOG.slice(1, 3);
    expect(await read()).toBe(`${first}a warning\n${rest.join('')}`);
  });

  it('is cancelled by stopping its task', async () => {
    const id = await job();
    const { status } = await call('POST', `/v1/jobs/${id}/cancel`, {});
    expect([status, await stateOf(id)]).toEqual([202, 'CANCELLED']);
    expect(running.coordinator.requests.at(-1)).toEqual({
      ...{ kind: 'task_command', taskId: taskOf(id), command: 'stop' },
    });
    expect((await call('POST', `/v1/jobs/${id}/cancel`, {})).status).toBe(409);
  });

  it('is not a problem of another graph, nor one that is not there', async () => {
    const { body } = await call('POST', '/v1/problems', { graph: 'demo', input: { text: 'a' } });
    for (const id of [body.problem_id, 'x'])
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/log'],
        ['POST', '/cancel'],
      ] as const) {
        const answer = await call(method, `/v1/jobs/${id}${path}`, method === 'POST' ? {} : undefined);
        expect([answer.status, answer.body.error.code]).toEqual([404, 'unknown_job']);
      }
  });
});

describe('the list of jobs', () => {
  it('has them by cluster, state and type, page by page, and no other problems', async () => {
    await call('POST', '/v1/problems', { graph: 'demo', input: { text: 'a' } });
    const ids: string[] = [];
    for (const cluster of ['a', 'b', 'a', 'b', 'a']) ids.unshift(await job({ cluster }));
    const listed = async (query = ''): Promise<string[]> => {
      const found: string[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await call('GET', `/v1/jobs?limit=2${query}${cursor}`);
        found.push(...body.items.map((one: { job_id: string }) => one.job_id));
        if (body.next_cursor === null) return found;
        cursor = `&cursor=${body.next_cursor}`;
      }
    };
    expect(await listed()).toEqual(ids);
    expect(await listed('&cluster=b')).toEqual([ids[1], ids[3]]);
    expect(await listed('&job_type=fit')).toEqual([]);
    expect(await listed('&state=SUBMITTED')).toEqual(ids);
    expect(await listed('&state=PENDING')).toEqual([]);
    expect((await call('GET', '/v1/jobs?state=DONE')).status).toBe(400);
  });

  it('names the cluster by the agent that has it', async () => {
    const id = await job();
    const node = fakeNode({ module: 'tutti.agent', instance: 'hpc' });
    running.coordinator.nodes.set(String(node.node_id), node);
    expect((await call('GET', '/v1/jobs')).body.items[0].cluster).toBeNull();
    running.coordinator.place(taskOf(id), 'script', String(node.node_id));
    expect((await call('GET', '/v1/jobs')).body.items[0].cluster).toBe('hpc');
  });
});

describe('an input that names a blob', () => {
  it('tells nothing of it to a project that may not open it, also when another one has had it read', async () => {
    const { job_id } = (await call('POST', '/v1/jobs', { name: 'fit', script: '#!/bin/sh\n' })).body;
    const { queries, blobs } = running.coordinator;
    const bytes = Buffer.from(JSON.stringify({ cluster: 'hpc', job_type: 'fit' }));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await blobs.put(sha256, Readable.from([bytes]));
    const naming: typeof queries = {
      ...queries,
      async jobs(wanted, page) {
        const found = await queries.jobs(wanted, page);
        if ('ok' in found) return found;
        const items = found.value.items.map((item) => ({ ...item, input: { blob: { sha256 } } }));
        return { ...found, value: { ...found.value, items } };
      },
    };
    const jobs = new ReadJobs(JOB_TYPES, 1024);
    const listed = async (open: typeof blobs.open) =>
      (await jobs.list({ queries: naming, blobs: { ...blobs, open } }, {}, {})).items;
    const seen = { job_id, cluster: 'hpc', job_type: 'fit' };
    expect(await listed((hash) => blobs.open(hash))).toMatchObject([seen]);
    expect(await listed((hash) => blobs.open(hash))).toMatchObject([seen]);
    expect(await listed(async (hash) => noSuchBlob(hash))).toMatchObject([
      { job_id, cluster: null, job_type: null },
    ]);
  });
});
