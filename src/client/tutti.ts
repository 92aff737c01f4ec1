import { everyItem } from '../base/every-item.js';
import { Campaigns } from './campaigns.js';
import { Clusters } from './clusters.js';
import { Deployments } from './deployments.js';
import { type Followed, type FollowOptions, follow } from './follow.js';
import type {
  Approval,
  AuditEntry,
  IterationSummary,
  Peer,
  Problem,
  ProblemSummary,
  Remarks,
  Routes,
  Tag,
} from './generated/routes.js';
import { Http } from './http.js';
import { type Difference, type IterateOptions, Iteration, type Labels, parseTaskId } from './iteration.js';
import {
  type AnswerOf,
  askRoute,
  type ChangeOptions,
  type PartsOf,
  type RequestOptions,
  type RouteName,
} from './route.js';
import { Services } from './services.js';
import { Webhooks } from './webhooks.js';

export interface TuttiOptions {
  /**
   * Of several orchestrators of one store, with commas between them: the one that leads is found, and a takeover is waited for.
   * @default `TUTTI_URL`, else `http://127.0.0.1:7480`
   */
  readonly url?: string;
  /** @default `TUTTI_TOKEN`, else none */
  readonly token?: string;
  /**
   * For how long a request is sent again when the connection breaks or the orchestrator asks for it: milliseconds.
   * @default 30,000
   */
  readonly retryMs?: number;
}

export interface SubmitOptions extends RequestOptions {
  /** A name for people. */
  readonly title?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Markdown. */
  readonly notes?: string | undefined;
  readonly starred?: boolean | undefined;
  /** 0 to 100, higher first. @default 50 */
  readonly priority?: number | undefined;
  /** By module, labels that its nodes (of a run module: its cluster) must have for this task. */
  readonly require?: Labels | undefined;
}

/** The changed descriptive fields of a problem. */
export type ProblemChange = Routes['PATCH /v1/problems/{problem_id}']['body'];

/** A list's query, without what pages need. */
export type Search<
  R extends 'GET /v1/problems' | 'GET /v1/iterations' | 'GET /v1/approvals' | 'GET /v1/audit',
> = Omit<NonNullable<Routes[R]['query']>, 'limit' | 'cursor'>;

const DEFAULT_URL = 'http://127.0.0.1:7480';

/**
 * An orchestrator. Every method throws `ClientError`; a POST takes effect once, however often it has to be sent.
 *
 * @example
 * const tutti = new Tutti();
 * const iteration = await (await tutti.submit('my_graph', { rate: 0.1 })).wait();
 * console.log(await iteration.output('train'));
 */
export class Tutti {
  readonly #http: Http;
  /** Series of iterations that run themselves. */
  readonly campaigns: Campaigns;
  /** The places where commands run. */
  readonly clusters: Clusters;
  /** Applications that are brought up and taken down as a whole. */
  readonly deployments: Deployments;
  /** Services, which keep programs running on clusters. */
  readonly services: Services;
  /** Addresses that events are posted to. */
  readonly webhooks: Webhooks;

  /** Throws `ClientError` `bad_url`. */
  constructor(options: TuttiOptions = {}) {
    const { TUTTI_URL, TUTTI_TOKEN } = process.env;
    this.#http = new Http({
      url: options.url ?? (TUTTI_URL || DEFAULT_URL),
      token: options.token ?? TUTTI_TOKEN,
      ...(options.retryMs !== undefined && { retryMs: options.retryMs }),
    });
    this.campaigns = new Campaigns(this.#http);
    this.clusters = new Clusters(this.#http);
    this.deployments = new Deployments(this.#http);
    this.services = new Services(this.#http);
    this.webhooks = new Webhooks(this.#http);
  }

  /** Any route of `/openapi.json`, by its method and path: `request('GET /v1/nodes', { query: { limit: 10 } })`. */
  async request<R extends RouteName>(
    route: R,
    parts: PartsOf<R>,
    options: RequestOptions = {},
  ): Promise<AnswerOf<R>> {
    return (await askRoute(this.#http, route, parts, options)).value;
  }

  /** Submits a problem; its first iteration begins. `input` is what the graph's source takes, in its JSON form. */
  async submit(graph: string, input: unknown, options: SubmitOptions = {}): Promise<Iteration> {
    const { title, tags, notes, starred, priority, require, ...rest } = options;
    const body = {
      graph,
      input,
      ...(title !== undefined && { title }),
      ...(tags !== undefined && { tags: [...tags] }),
      ...(notes !== undefined && { notes }),
      ...(starred !== undefined && { starred }),
      ...(priority !== undefined && { priority }),
      ...(require !== undefined && { require }),
    };
    const { task_id } = await this.request('POST /v1/problems', { body }, rest);
    return await this.iteration(task_id, rest);
  }

  /** Begins the next iteration of a problem. */
  async iterate(problemId: string, options: IterateOptions = {}): Promise<Iteration> {
    return await Iteration.begin(this.#http, problemId, options);
  }

  /** One iteration, by its task id: `<problem_id>/<iteration_id>`. */
  async iteration(taskId: string, { signal }: RequestOptions = {}): Promise<Iteration> {
    return await Iteration.fetch(this.#http, parseTaskId(taskId), signal);
  }

  /** A problem, by its id: what people say about it, and its newest iterations. */
  async problem(problemId: string, options: RequestOptions = {}): Promise<Problem> {
    return await this.request('GET /v1/problems/{problem_id}', { path: { problem_id: problemId } }, options);
  }

  /** Changes what people say about a problem. A field that is absent stays, `null` takes it back, `tags` are all that it has then. */
  async changeProblem(
    problemId: string,
    change: ProblemChange,
    options: ChangeOptions = {},
  ): Promise<Remarks> {
    const parts = { path: { problem_id: problemId }, body: change };
    return (await askRoute(this.#http, 'PATCH /v1/problems/{problem_id}', parts, options)).value;
  }

  /** Every tag that some problem has, in order. */
  async *tags(): AsyncGenerator<string> {
    for await (const { tag } of everyItem<Tag>((page) => this.request('GET /v1/tags', { query: page })))
      yield tag;
  }

  /** Problems, newest first, fetched page by page while they are read. */
  problems(search: Search<'GET /v1/problems'> = {}): AsyncGenerator<ProblemSummary> {
    return everyItem((page) => this.request('GET /v1/problems', { query: { ...search, ...page } }));
  }

  /** Iterations of all problems, or of one, fetched page by page while they are read. */
  iterations({
    problem_id,
    ...search
  }: Search<'GET /v1/iterations'> & { readonly problem_id?: string } = {}): AsyncGenerator<IterationSummary> {
    if (problem_id === undefined)
      return everyItem((page) => this.request('GET /v1/iterations', { query: { ...search, ...page } }));
    const path = { problem_id };
    const route = 'GET /v1/problems/{problem_id}/iterations';
    return everyItem((page) => this.request(route, { path, query: { ...search, ...page } }));
  }

  /** Modules that wait for a person's decision, with what they are asked about. */
  approvals(search: Search<'GET /v1/approvals'> = {}): AsyncGenerator<Approval> {
    return everyItem((page) => this.request('GET /v1/approvals', { query: { ...search, ...page } }));
  }

  /** Who did what, from where and with what result, newest first, fetched page by page while they are read: for administrators. */
  audit(search: Search<'GET /v1/audit'> = {}): AsyncGenerator<AuditEntry> {
    return everyItem((page) => this.request('GET /v1/audit', { query: { ...search, ...page } }));
  }

  /** The orchestrators of the store: the leader, then its standbys. */
  async peers(options: RequestOptions = {}): Promise<readonly Peer[]> {
    return (await this.request('GET /v1/peers', {}, options)).items;
  }

  /** The differences between two iterations of a problem. */
  async compare(problemId: string, a: number, b: number): Promise<Difference> {
    const route = 'GET /v1/problems/{problem_id}/diff';
    const answer = await this.request(route, { path: { problem_id: problemId }, query: { a, b } });
    return answer as Difference;
  }

  /**
   * Events as they happen, until the signal is aborted: in order and without repeats, also when the connection is lost in between. A `gap`
   * says which events are no longer stored.
   */
  follow(options: FollowOptions): AsyncGenerator<Followed> {
    return follow(this.#http, options);
  }
}
