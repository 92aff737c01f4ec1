import { everyItem } from '../base/every-item.js';
import { ClientError } from './errors.js';
import { type Followed, follow, type StreamedEvent } from './follow.js';
import type {
  Decision,
  Item,
  ItemStates,
  ItemWithValues,
  Iteration as IterationView,
  LogLine,
  Routes,
} from './generated/routes.js';
import type { Http } from './http.js';
import { askRoute, decoded, openRoute, type RequestOptions } from './route.js';

/** By module and label. */
export type Labels = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface IterateOptions extends RequestOptions {
  /** @default the parent's */
  readonly input?: unknown;
  /** The number of the iteration to go on from. @default the newest that succeeded */
  readonly parent?: number | undefined;
  /** Modules whose outputs in the parent are taken over as they are. */
  readonly reuse?: readonly string[] | undefined;
  /** By module and input, what this module gets instead. */
  readonly overrides?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  /** By module, labels that its nodes (of a run module: its cluster) must have for this task. */
  readonly require?: Labels | undefined;
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether an end without success throws `task_failed`, `task_cancelled` or `task_aborted`. @default true */
  readonly check?: boolean;
  /** Hears what happens in it until then. */
  readonly onEvent?: (event: StreamedEvent) => void;
}

export interface Change {
  /** A JSON pointer. */
  readonly path: string;
  readonly a?: unknown;
  readonly b?: unknown;
}

/** The differences between two iterations. */
export interface Difference {
  readonly input: readonly Change[];
  readonly modules: Readonly<Record<string, readonly Change[]>>;
  readonly [part: string]: unknown;
}

interface TaskPath {
  readonly problem_id: string;
  readonly iteration_id: number;
}

const ITERATION = '/v1/problems/{problem_id}/iterations/{iteration_id}';
const ENDED: readonly string[] = ['succeeded', 'failed', 'cancelled', 'aborted'];
const PAGE_SIZE = 1000;

/** Which items of a module with `map`. */
export type ItemSearch = Omit<
  NonNullable<Routes[`GET ${typeof ITERATION}/items/{module}`]['query']>,
  'limit' | 'cursor'
>;

/** One attempt at a problem. */
export class Iteration {
  readonly #http: Http;
  readonly #path: TaskPath;
  #view: IterationView;
  #cursor: number;

  private constructor(http: Http, path: TaskPath, view: IterationView, cursor: number) {
    this.#http = http;
    this.#path = path;
    this.#view = view;
    this.#cursor = cursor;
  }

  static async fetch(http: Http, path: TaskPath, signal?: AbortSignal): Promise<Iteration> {
    const { value, cursor } = await askRoute(http, `GET ${ITERATION}`, { path }, { signal });
    return new Iteration(http, path, value, cursor);
  }

  static async begin(http: Http, problemId: string, options: IterateOptions): Promise<Iteration> {
    const { parent, reuse, overrides, require } = options;
    const body = {
      ...('input' in options && { input: options.input }),
      ...(parent !== undefined && { parent_iteration_id: parent }),
      ...(reuse !== undefined && { reuse: [...reuse] }),
      ...(overrides !== undefined && { overrides }),
      ...(require !== undefined && { require }),
    };
    const path = { problem_id: problemId };
    const route = 'POST /v1/problems/{problem_id}/iterations';
    const { value } = await askRoute(http, route, { path, body }, options);
    return await Iteration.fetch(http, parseTaskId(value.task_id), options.signal);
  }

  /** All that the orchestrator says of it, as it was fetched last. */
  get view(): IterationView {
    return this.#view;
  }

  get taskId(): string {
    return this.#view.task_id;
  }

  get problemId(): string {
    return this.#path.problem_id;
  }

  get iterationId(): number {
    return this.#path.iteration_id;
  }

  get state(): IterationView['state'] {
    return this.#view.state;
  }

  get hasEnded(): boolean {
    return ENDED.includes(this.#view.state);
  }

  /** Fetches its state anew. */
  async refresh(signal?: AbortSignal): Promise<this> {
    const { value, cursor } = await askRoute(
      this.#http,
      `GET ${ITERATION}`,
      { path: this.#path },
      { signal },
    );
    this.#view = value;
    this.#cursor = cursor;
    return this;
  }

  /** Waits for its end. Throws `ClientError`, and the reason of a signal that is aborted; the iteration goes on then. */
  async wait({ signal, check = true, onEvent }: WaitOptions = {}): Promise<this> {
    await this.refresh(signal);
    while (!this.hasEnded) {
      await this.#followToEnd(this.#cursor, signal, (followed) => {
        if (followed.kind === 'gap') return false;
        onEvent?.(followed.event);
        return true;
      });
      signal?.throwIfAborted();
      await this.refresh(signal);
    }
    if (check) this.#demandSuccess();
    return this;
  }

  /** Its events from its beginning to its end, in order and without repeats. A `gap` says which ones are no longer stored. */
  async *follow({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<StreamedEvent | Gap> {
    let seq = 0;
    for await (const event of this.events({ signal })) {
      seq = event.seq;
      yield event;
      if (this.#isEnd(event)) return;
    }
    for await (const followed of this.#own(seq, signal)) {
      yield followed.kind === 'gap' ? followed : followed.event;
      if (followed.kind === 'event' && this.#isEnd(followed.event)) return;
    }
  }

  /** The output of a module, or one of several as `train.plot`: its decoded value, or a `Blob` with its media type if the type is `bytes`. */
  async output(module: string, { signal }: RequestOptions = {}): Promise<unknown> {
    const path = { ...this.#path, module };
    const route = `GET ${ITERATION}/outputs/{module}` as const;
    const accept = 'application/octet-stream';
    const response = await openRoute(
      this.#http,
      route,
      { path },
      { headers: { accept }, ...(signal && { signal }) },
    );
    const [kind, mediaType = accept] = (response.headers.get('tutti-type') ?? 'json').split(':');
    if (kind === 'bytes') return new Blob([await response.arrayBuffer()], { type: mediaType });
    if (kind === 'json') return await decoded(response);
    // Of a message only the orchestrator knows the fields.
    await response.body?.cancel();
    return (await askRoute(this.#http, route, { path }, { signal })).value;
  }

  /** All outputs that there are, by module; several of one module as `train.plot`. */
  async outputs(options: RequestOptions = {}): Promise<Record<string, unknown>> {
    await this.refresh(options.signal);
    const names = Object.entries(this.#view.modules).flatMap(([name, { output, output_names: named }]) =>
      output === null ? [] : (named?.map((one) => `${name}.${one}`) ?? [name]),
    );
    const values = await Promise.all(
      names.map(async (name) => [name, await this.output(name, options)] as const),
    );
    return Object.fromEntries(values);
  }

  /**
   * It as an RO-Crate, a zip file that a paper can cite: `await writeFile('run.crate.zip', await iteration.crate())`. `license` is the
   * address of the licence under which it is given on. Throws `ClientError` `not_ended` while it runs.
   */
  async crate({
    license,
    signal,
  }: {
    readonly license?: string;
    readonly signal?: AbortSignal;
  } = {}): Promise<ReadableStream<Uint8Array>> {
    const parts = { path: { ...this.#path }, query: { ...(license !== undefined && { license }) } };
    const response = await openRoute(this.#http, `GET ${ITERATION}/crate`, parts, signal ? { signal } : {});
    return response.body!;
  }

  /** Begins another iteration with this one as its parent. */
  iterate(options: Omit<IterateOptions, 'parent'> = {}): Promise<Iteration> {
    return Iteration.begin(this.#http, this.problemId, { ...options, parent: this.iterationId });
  }

  /** The differences between this iteration (`a`) and another one of its problem (`b`). */
  async compare(other: number | Iteration): Promise<Difference> {
    const b = typeof other === 'number' ? other : other.iterationId;
    const route = 'GET /v1/problems/{problem_id}/diff';
    const parts = { path: { problem_id: this.problemId }, query: { a: this.iterationId, b } };
    return (await askRoute(this.#http, route, parts)).value as Difference;
  }

  /** Stops it: `wait({ check: false })` resolves once it is cancelled. */
  cancel(reason?: string): Promise<string> {
    return this.command('stop', reason === undefined ? {} : { reason });
  }

  /** Gives the command's id. */
  async command(
    command: 'stop' | 'reset' | 'preempt' | 'terminate',
    { module, reason }: { readonly module?: string; readonly reason?: string } = {},
  ): Promise<string> {
    const body = {
      command,
      ...(module !== undefined && { module }),
      ...(reason !== undefined && { reason }),
    };
    const { value } = await askRoute(this.#http, `POST ${ITERATION}/commands`, { path: this.#path, body });
    return value.command_id;
  }

  /** Approves what a module asks; gives the decision, which is the module's output. */
  approve(module: string, reason?: string): Promise<Decision> {
    return this.#decide(module, 'approve', reason);
  }

  /** Denies what a module asks: it fails with `denied`. */
  deny(module: string, reason?: string): Promise<Decision> {
    return this.#decide(module, 'deny', reason);
  }

  async #decide(module: string, decision: 'approve' | 'deny', reason: string | undefined): Promise<Decision> {
    const parts = {
      path: { ...this.#path, module },
      body: { decision, ...(reason !== undefined && { reason }) },
    };
    return (await askRoute(this.#http, `POST ${ITERATION}/approvals/{module}`, parts)).value;
  }

  /** All that has happened in it so far. */
  async *events(options: RequestOptions = {}): AsyncGenerator<StreamedEvent> {
    yield* everyItem(async (query) => {
      const parts = { path: this.#path, query };
      const { value } = await askRoute(this.#http, `GET ${ITERATION}/events`, parts, options);
      return { ...value, items: value.items as StreamedEvent[] };
    });
  }

  /**
   * The items of a module with `map` in their order, fetched page by page while they are read: all of them, those in a `state`, those `from`
   * a number on.
   *
   * @example
   * for await (const { item, error } of iteration.items('train', { state: 'failed' })) console.log(item, error?.message);
   */
  items(module: string, search: ItemSearch = {}, options: RequestOptions = {}): AsyncGenerator<Item> {
    const path = { ...this.#path, module };
    return everyItem(async (page) => {
      const parts = { path, query: { ...search, ...page } };
      return (await askRoute(this.#http, `GET ${ITERATION}/items/{module}`, parts, options)).value;
    });
  }

  /** How all items of a module with `map` stand: how many are in each state, and in which order. */
  async itemStates(module: string, options: RequestOptions = {}): Promise<ItemStates> {
    const parts = { path: { ...this.#path, module } };
    return (await askRoute(this.#http, `GET ${ITERATION}/items/{module}/states`, parts, options)).value;
  }

  /** One item, by its number from 0, with its value, its result and its attempts. */
  async item(module: string, item: number, options: RequestOptions = {}): Promise<ItemWithValues> {
    const parts = { path: { ...this.#path, module, item } };
    return (await askRoute(this.#http, `GET ${ITERATION}/items/{module}/{item}`, parts, options)).value;
  }

  /** The log lines of a module's newest execution, the first thousand. */
  async log(module: string, options: RequestOptions = {}): Promise<readonly LogLine[]> {
    await this.refresh(options.signal);
    const execution_id = this.#view.modules[module]?.execution_id;
    if (!execution_id) return [];
    const parts = { path: { ...this.#path, execution_id }, query: { limit: PAGE_SIZE } };
    const route = `GET ${ITERATION}/executions/{execution_id}/log` as const;
    return (await askRoute(this.#http, route, parts, options)).value.items;
  }

  /** Until its end, or until `take` wants no more. */
  async #followToEnd(
    cursor: number,
    signal: AbortSignal | undefined,
    take: (followed: Own) => boolean,
  ): Promise<void> {
    for await (const followed of this.#own(cursor, signal))
      if (!take(followed) || (followed.kind === 'event' && this.#isEnd(followed.event))) return;
  }

  /** The events of this iteration after the cursor. */
  async *#own(cursor: number, signal = new AbortController().signal): AsyncGenerator<Own> {
    for await (const followed of follow(this.#http, { cursor, problemId: this.problemId, signal })) {
      if (followed.kind === 'gap') yield followed;
      else
        for (const event of followed.events)
          if (event.iteration_id === this.iterationId) yield { kind: 'event', event };
    }
    signal.throwIfAborted();
  }

  #isEnd({ type }: StreamedEvent): boolean {
    const [kind, state = ''] = type.split('.');
    return kind === 'iteration' && ENDED.includes(state);
  }

  #demandSuccess(): void {
    const { state, modules } = this.#view;
    if (state === 'succeeded') return;
    const details = Object.entries(modules).flatMap(([path, { error, state: of }]) =>
      error && of !== 'succeeded' ? [{ path, code: error.code, message: error.message }] : [],
    );
    const because = details.map(({ path, message }) => `module ${path}: ${message}`).join('; ');
    const message = `Task ${this.taskId} is ${state}${because && `: ${because}`}`;
    throw new ClientError(`task_${state}`, message, { details });
  }
}

/** Events that are no longer stored, both ends inclusive. */
export type Gap = Extract<Followed, { kind: 'gap' }>;

type Own = Gap | { readonly kind: 'event'; readonly event: StreamedEvent };

/** Throws `ClientError` `bad_task_id`. */
export function parseTaskId(taskId: string): TaskPath {
  const [, problem_id, number] = /^([^/]+)\/([1-9]\d*)$/.exec(taskId) ?? [];
  if (problem_id !== undefined) return { problem_id, iteration_id: Number(number) };
  const message = `taskId: ${JSON.stringify(taskId)} is not <problem_id>/<iteration_id>`;
  throw new ClientError('bad_task_id', message);
}
