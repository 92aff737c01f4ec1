/**
 * Jobs, as they follow from the problems of the built-in graph.
 *
 * J1. A job is what its task is: nothing about it is stored a second time.
 * J2. The log is read page by page, and what has been found in the log of an ended job is kept for some of them.
 * J3. An author may give the graph of jobs any input, so it may be any value, and name any blob. No blob is read that is larger than a job can
 *     be, and an input that is not a job's says nothing.
 */

import { buffer } from 'node:stream/consumers';
import { type JobTypes, LogParser } from '../../../src/config/forms/job-types.js';
import type { ExecutionJson, TaskAnswerJson } from '../../../src/contract/iteration.js';
import type { JobIterationJson, JobJson } from '../../../src/contract/job.js';
import type { WholeProblemJson } from '../../../src/contract/problem.js';
import { JOB_GRAPH_NAME, JOB_MODULE, type JobState, jobStateOf } from '../../../src/model/job.js';
import type { TaskId } from '../../../src/model/task-id.js';
import { type TaskState, taskHasEnded } from '../../../src/model/task-state.js';
import type { Page, Queries, Workspace } from '../../../src/orchestrator/port.js';
import { HttpError, refusalError } from '../errors.js';
import { contentOf, logLines, wholeStreamsOf } from './log-lines.js';

export interface JobFilter {
  readonly cluster?: string;
  readonly state?: JobState;
  readonly job_type?: string;
}

/** Jobs that are looked at for one answer, where a filter leaves most of them out. */
const LOOKED_AT = 1000;
/** Ended jobs whose logs need not be read again. */
const KEPT = 1000;
/** What a job's log says about it. */
interface Heard {
  readonly result: unknown;
  readonly log_lines: number;
}

interface JobInput {
  readonly cluster?: string;
  readonly job_type?: string;
}

/** The stored input has figures in place of texts like `4GiB`, which may take a little more room. */
const ROOM_FOR_FIGURES = 1024;

/** Whose jobs are read. */
type Asker = Pick<Workspace, 'queries' | 'blobs'>;

export class ReadJobs {
  readonly #types: JobTypes;
  readonly #maxInputBytes: number;
  /** By execution. */
  readonly #heard = new Map<string, Heard>();
  /** By node: a node_id is of one agent for ever. */
  readonly #clusters = new Map<string, string>();
  /** By the hash of an input that is a blob. */
  readonly #inputs = new Map<string, JobInput>();

  /** `bodyBytes`: as large as a request that submits a job may be. */
  constructor(types: JobTypes, bodyBytes: number) {
    this.#types = types;
    this.#maxInputBytes = bodyBytes + ROOM_FOR_FIGURES;
  }

  /** Newest first. A page may have fewer items than there are, and goes on by its cursor. */
  async list(
    asker: Asker,
    filter: JobFilter,
    page: { readonly limit?: number; readonly cursor?: string },
  ): Promise<Page<JobJson>> {
    const { limit = 50 } = page;
    const wanted = filter.state === undefined ? {} : { state: filter.state };
    const items: JobJson[] = [];
    let cursor = page.cursor;
    for (let looked = 0; items.length < limit && looked < LOOKED_AT; looked += limit) {
      const found = await asker.queries.jobs(wanted, {
        limit: limit - items.length,
        ...(cursor !== undefined && { cursor }),
      });
      if ('ok' in found) throw refusalError(found);
      for (const one of found.value.items) {
        const job = await this.#jobOf(asker, one, one);
        if (fits(job, filter)) items.push(job);
      }
      if (found.value.next_cursor === null) return { items, next_cursor: null };
      cursor = found.value.next_cursor;
    }
    return { items, next_cursor: cursor ?? null };
  }

  async show(asker: Asker, jobId: string): Promise<JobJson & Heard> {
    const { queries } = asker;
    const problem = await problemOf(queries, jobId);
    const task = taskOf(problem);
    const iteration = await iterationOf(queries, task);
    const job = await this.#jobOf(asker, iteration, problem);
    const executionId = iteration.modules[JOB_MODULE]?.execution_id ?? null;
    const type = job.job_type;
    const heard =
      executionId === null
        ? { result: null, log_lines: 0 }
        : await this.#hear(queries, task, executionId, type, iteration.state);
    return { ...job, ...heard };
  }

  /** What it has written so far, both streams in the order of their lines; all of it, also where the log leaves some of it out. */
  async *log({ queries, blobs }: Asker, jobId: string): AsyncGenerator<Uint8Array | string> {
    const problem = await problemOf(queries, jobId);
    const task = taskOf(problem);
    const { modules } = await iterationOf(queries, task);
    const executionId = modules[JOB_MODULE]?.execution_id ?? null;
    const execution = await executionOf(queries, task, executionId);
    if (executionId === null || !execution) return;
    const lines = logLines(queries, task, executionId);
    yield* contentOf(lines, await wholeStreamsOf(blobs, execution));
  }

  /** Throws `unknown_job`. */
  async taskIdOf({ queries }: Asker, jobId: string): Promise<TaskId> {
    return taskOf(await problemOf(queries, jobId));
  }

  /** J1. */
  async #jobOf(
    { queries, blobs }: Asker,
    iteration: Omit<JobIterationJson, 'title' | 'project'>,
    { title, project }: Pick<WholeProblemJson, 'title' | 'project'>,
  ): Promise<JobJson> {
    const { state, command, node_id } = iteration.modules[JOB_MODULE]!;
    const input = await this.#inputOf(blobs, iteration.input);
    return {
      job_id: iteration.problem_id,
      task_id: iteration.task_id,
      name: title ?? '',
      cluster: command?.cluster ?? (await this.#clusterOf(queries, node_id)) ?? input.cluster ?? null,
      job_type: input.job_type ?? null,
      project,
      state: jobStateOf(iteration.state, state),
      exit_code: command?.exit_code ?? null,
      engine_id: command?.engine_id ?? null,
      submitted_at: iteration.created_at,
      started_at: command?.started_at ?? null,
      finished_at: iteration.finished_at,
      error: iteration.error ?? null,
    };
  }

  /** As long as nothing has become known of its command. */
  async #clusterOf(queries: Queries, nodeId: string | null): Promise<string | undefined> {
    if (nodeId === null) return undefined;
    const known = this.#clusters.get(nodeId);
    if (known !== undefined) return known;
    const node = await queries.node(nodeId);
    // Its cluster is removed: where the job ran is no longer known.
    if ('ok' in node) return undefined;
    const { instance } = node.value;
    keep(this.#clusters, nodeId, instance);
    return instance;
  }

  /** A long script makes the input a blob. J3. */
  async #inputOf(blobs: Workspace['blobs'], input: unknown): Promise<JobInput> {
    const sha256 = textIn(recordOf(recordOf(input).blob).sha256);
    if (sha256 === undefined) return jobInputIn(input);
    // Opened before anything that is known of it is told: another project may have it, and this one not.
    const opened = await blobs.open(sha256);
    if ('ok' in opened) return {};
    const known = this.#inputs.get(sha256);
    if (known !== undefined || opened.size > this.#maxInputBytes) {
      await opened.close();
      return known ?? {};
    }
    const read = jobInputIn(jsonIn(await buffer(opened.read())));
    keep(this.#inputs, sha256, read);
    return read;
  }

  /** J2. */
  async #hear(
    queries: Queries,
    task: TaskId,
    executionId: string,
    jobType: string | null,
    state: TaskState,
  ): Promise<Heard> {
    const known = this.#heard.get(executionId);
    if (known) return known;
    const type = jobType === null ? undefined : this.#types.get(jobType);
    const parser = type && new LogParser(type);
    let lines = 0;
    for await (const { stream, message } of logLines(queries, task, executionId)) {
      if (stream === undefined) continue;
      lines += 1;
      parser?.take(stream, message);
    }
    const heard = { result: parser?.result() ?? null, log_lines: lines };
    if (taskHasEnded(state)) keep(this.#heard, executionId, heard);
    return heard;
  }
}

/** J3. */
function jobInputIn(value: unknown): JobInput {
  const { cluster, job_type: type } = recordOf(value);
  const [ofCluster, ofType] = [textIn(cluster), textIn(type)];
  return {
    ...(ofCluster !== undefined && { cluster: ofCluster }),
    ...(ofType !== undefined && { job_type: ofType }),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** The oldest makes room. */
function keep<T>(kept: Map<string, T>, name: string, value: T): void {
  kept.set(name, value);
  const [oldest] = kept.keys();
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
}

function fits(job: JobJson, { cluster, state, job_type: type }: JobFilter): boolean {
  return (
    (cluster === undefined || job.cluster === cluster) &&
    (state === undefined || job.state === state) &&
    (type === undefined || job.job_type === type)
  );
}

function taskOf(problem: WholeProblemJson): TaskId {
  return { problemId: problem.problem_id, iterationId: problem.newest_iteration_id };
}

async function problemOf(queries: Queries, jobId: string): Promise<WholeProblemJson> {
  const found = await queries.problem(jobId);
  const problem = 'ok' in found ? undefined : found.value;
  if ('ok' in found && found.kind !== 'not_found') throw refusalError(found);
  if (problem?.graph !== JOB_GRAPH_NAME) throw new HttpError(404, 'unknown_job', `There is no job ${jobId}.`);
  return problem;
}

async function iterationOf(queries: Queries, task: TaskId): Promise<TaskAnswerJson> {
  const found = await queries.iteration(task);
  if ('ok' in found) throw refusalError(found);
  return found.value;
}

async function executionOf(
  queries: Queries,
  task: TaskId,
  executionId: string | null,
): Promise<ExecutionJson | undefined> {
  if (executionId === null) return undefined;
  const found = await queries.execution(task, executionId);
  if ('ok' in found) throw refusalError(found);
  return found.value;
}
