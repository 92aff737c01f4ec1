/** Questions to the readers, as the rest of the orchestrator asks them. */
import { TuttiError } from '../../../base/errors.js';
import { JsonText } from '../../../base/json/json-text.js';
import type { Logger } from '../../../base/logger.js';
import { ALL_PROJECTS } from '../../../model/access.js';
import type { Found, FoundJson, Queries, Refusal, StoredOutput, StreamEvent } from '../../port.js';
import { refusal } from '../../refusal.js';
import { foundText } from '../found.js';
import type { LoopQuestion } from '../questions.js';
import { Lane, type LaneGauges, type LaneName, type Replied, type StartReader } from './lane.js';
import { laneOf } from './lanes.js';
import type { Question, Reply } from './messages.js';

export interface QueryServiceDeps {
  readonly start: StartReader;
  /** Settles when a view of the store that begins from then on shows all that anybody has been told of. */
  readonly shown: () => Promise<void>;
  readonly logger: Logger;
}

export type ReaderQueries = Omit<Queries, LoopQuestion | 'until'>;
export type QueryGauges = Readonly<Record<LaneName, LaneGauges>>;

/** Enough that the reader is never idle; what waits here is asked again when it ends. */
const SHORT = { running: 16, waiting: 10_000, exports: 0 } as const;
/** With half a second for each, the last one waits for as long as a browser does. */
const LONG = { running: 2, waiting: 64, exports: 256 } as const;

interface Asker {
  readonly bound: string;
  readonly signal: AbortSignal | undefined;
}

export class QueryService {
  readonly #deps: QueryServiceDeps;
  readonly #lanes: Readonly<Record<LaneName, Lane>>;

  constructor(deps: QueryServiceDeps) {
    this.#deps = deps;
    const { start, logger } = deps;
    this.#lanes = {
      short: new Lane({ name: 'short', start, logger, ...SHORT }),
      long: new Lane({ name: 'long', start, logger, ...LONG }),
    };
  }

  /** Starts the reader of short questions; that of long ones starts with the first of them. */
  start(): void {
    this.#lanes.short.start();
  }

  stop(): void {
    for (const lane of Object.values(this.#lanes)) lane.stop();
  }

  gauges(): QueryGauges {
    return { short: this.#lanes.short.gauges(), long: this.#lanes.long.gauges() };
  }

  /** Why some questions are not answered at the moment, if so. */
  get trouble(): string | undefined {
    return this.#lanes.short.trouble ?? this.#lanes.long.trouble;
  }

  /** The questions of somebody who is bound to a project; with a signal, until it aborts. */
  queries(bound: string, signal?: AbortSignal): ReaderQueries {
    const asker = { bound, signal };
    const json = <T>(name: Question['name'], args: readonly unknown[]): Promise<FoundJson<T> | Refusal> =>
      this.#json(name, args, asker);
    return {
      jobs: (...args) => json('jobs', args),
      problems: (...args) => json('problems', args),
      problem: (...args) => json('problem', args),
      problemCreatedAt: (...args) => json('problemCreatedAt', args),
      problemFits: (...args) => json('problemFits', args),
      tags: (...args) => json('tags', args),
      iterations: (...args) => json('iterations', args),
      searchIterations: (...args) => json('searchIterations', args),
      iteration: (...args) => json('iteration', args),
      approvals: (...args) => json('approvals', args),
      audit: (...args) => json('audit', args),
      items: (...args) => json('items', args),
      item: (...args) => json('item', args),
      itemStates: (...args) => json('itemStates', args),
      executions: (...args) => json('executions', args),
      execution: (...args) => json('execution', args),
      executionLog: (...args) => json('executionLog', args),
      taskEvents: (...args) => json('taskEvents', args),
      diff: (...args) => json('diff', args),
      command: (...args) => json('command', args),
      campaign: (...args) => json('campaign', args),
      deployment: (...args) => json('deployment', args),
      deploymentOperations: (...args) => json('deploymentOperations', args),
      deploymentOperation: (...args) => json('deploymentOperation', args),
      graphs: (...args) => json('graphs', args),
      graph: (...args) => json('graph', args),
      output: (...args) => this.#output('output', args, asker),
      executionOutput: (...args) => this.#output('executionOutput', args, asker),
      exportOf: (...args) => this.#export(args, asker),
    };
  }

  /** Events of all projects after `after`, in order: see `EventStream.read`. */
  async events(after: number, limit: number): Promise<readonly StreamEvent[]> {
    const { reply, body } = await this.#ask('events', [after, limit], {
      bound: ALL_PROJECTS,
      signal: undefined,
    });
    if (reply.kind === 'refused') throw new TuttiError(reply.refusal.code, reply.refusal.message);
    const { first, problems, projects } = expect(reply, 'events');
    if (problems.length === 0) return [];
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      .toString()
      .split('\n')
      .map((json, index) => {
        const problemId = problems[index] || undefined;
        const project = problemId === undefined ? undefined : projects[index];
        return { seq: first + index, problemId, project, json };
      });
  }

  async #json<T>(
    name: Question['name'],
    args: readonly unknown[],
    asker: Asker,
  ): Promise<FoundJson<T> | Refusal> {
    const { reply, body } = await this.#ask(name, args, asker);
    return reply.kind === 'refused' ? reply.refusal : foundText<T>(expect(reply, 'json').cursor, body);
  }

  async #output(
    name: Question['name'],
    args: readonly unknown[],
    asker: Asker,
  ): Promise<Found<StoredOutput> | Refusal> {
    const { reply, body } = await this.#ask(name, args, asker);
    if (reply.kind === 'refused') return reply.refusal;
    const { cursor, jsonBytes, type, blob, reusedFrom, name: named } = expect(reply, 'output');
    const json = new JsonText(Buffer.from(body.subarray(0, jsonBytes)).toString());
    const raw = blob
      ? ({ kind: 'blob', blob } as const)
      : ({ kind: 'inline', bytes: body.subarray(jsonBytes) } as const);
    return {
      cursor,
      value: {
        json,
        type,
        raw,
        ...(named !== undefined && { name: named }),
        ...(reusedFrom && { reusedFrom }),
      },
    };
  }

  async #export(args: readonly unknown[], asker: Asker): Promise<Found<AsyncIterable<Uint8Array>> | Refusal> {
    const { reply } = await this.#ask('exportOf', args, asker);
    if (reply.kind === 'refused') return reply.refusal;
    const { id, cursor } = expect(reply, 'export');
    return { cursor, value: piecesOf(this.#lanes.long, id) };
  }

  async #ask(name: Question['name'], args: readonly unknown[], { bound, signal }: Asker): Promise<Replied> {
    const fault = await this.#deps.shown().catch((thrown: unknown) => thrown);
    if (fault instanceof TuttiError) return { reply: refusalBy(fault), body: new Uint8Array() };
    if (fault !== undefined) throw fault;
    const given = args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
    const question = { name, args: given, bound };
    return this.#lanes[laneOf(question)].ask(question, signal);
  }
}

/** The store cannot show what is committed: it is not in its place, or another orchestrator has taken over. */
function refusalBy({ code, message, hint }: TuttiError): Reply {
  const more = { retryAfter: 1, ...(hint !== undefined && { hint }) };
  return { kind: 'refused', id: 0, refusal: refusal('unavailable', code, message, more) };
}

/** One piece is read ahead while its caller takes the one before. */
async function* piecesOf(lane: Lane, id: number): AsyncGenerator<Uint8Array> {
  try {
    let next = lane.more(id);
    for (;;) {
      const { reply, body } = await next;
      if (reply.kind === 'end') return;
      if (reply.kind === 'refused') throw new TuttiError(reply.refusal.code, reply.refusal.message);
      expect(reply, 'piece');
      next = lane.more(id);
      yield body;
    }
  } finally {
    lane.end(id);
  }
}

/** Throws what the reader has failed with. */
function expect<Kind extends Reply['kind']>(reply: Reply, kind: Kind): Extract<Reply, { kind: Kind }> {
  if (reply.kind === 'failed') {
    const error = new Error(reply.message);
    throw reply.code === undefined ? error : Object.assign(error, { code: reply.code });
  }
  if (reply.kind !== kind) throw new Error(`a reader said ${reply.kind}, not ${kind}`);
  return reply as Extract<Reply, { kind: Kind }>;
}
